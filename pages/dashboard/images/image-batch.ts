import { inGroups, inParallel } from '../../../client/concurrency.ts';
import type { DetectParameters, DetectResponse } from '../../../client/contract.ts';
import { EdgesiftError } from '../../../client/errors.ts';
import { detectFile, extractionParameters, service, withApiKey } from '../service.ts';
import { Hasher } from './hasher.ts';

export type ImageState = 'waiting' | 'working' | 'done' | 'failed';

export interface BatchImage {
  file: File;
  /** With its folders. */
  path: string;
  state: ImageState;
  hash?: string;
  result?: DetectResponse;
  /** From the beginning of the request to the end of its response. */
  ms?: number;
  error?: { code: string; message: string };
}

/** Images that are sent at the same time. */
const CONCURRENCY = 4;
/** Hashes of one question: the first images begin while the rest are hashed. */
const GROUP = 200;

export function batchImage(file: File): BatchImage {
  return { file, path: file.webkitRelativePath || file.name, state: 'waiting' };
}

/** Extracts features of many images: asks by hash which are cached, and sends the others. */
export class ImageBatch {
  readonly #hasher = new Hasher();
  #abort = new AbortController();

  stop(): void {
    this.#abort.abort();
  }

  /**
   * Works on the images that wait, and sets their states. Failures of an image stop no other one.
   *
   * @param onChange called whenever a state has changed
   */
  async run(
    images: readonly BatchImage[],
    parameters: DetectParameters,
    onChange: () => void,
  ): Promise<void> {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const waiting = images.filter(({ state }) => state === 'waiting');
    for await (const group of inGroups(waiting, GROUP)) {
      if (signal.aborted) return;
      const cached = await this.#cachedOf(group, parameters, signal);
      const work = inParallel(group, CONCURRENCY, async (image) => {
        if (signal.aborted) return;
        image.state = 'working';
        onChange();
        await this.#extract(image, { parameters, isCached: cached.has(image.hash ?? ''), signal });
        onChange();
      });
      for await (const _ of work);
    }
  }

  async #cachedOf(
    images: readonly BatchImage[],
    parameters: DetectParameters,
    signal: AbortSignal,
  ): Promise<Set<string>> {
    const hashes = await Promise.all(
      images.map(async (image) => {
        const hash = image.hash ?? (await this.#hasher.hash(image.file));
        if (hash !== undefined) image.hash = hash;
        return hash;
      }),
    );
    const known = hashes.filter((hash) => hash !== undefined);
    if (known.length === 0) return new Set();
    const ask = () => service.exists(known, extractionParameters(parameters), { signal });
    // Without the question, every image is sent: the service still finds what is cached.
    return withApiKey(ask).catch(() => new Set<string>());
  }

  async #extract(
    image: BatchImage,
    {
      parameters,
      isCached,
      signal,
    }: { parameters: DetectParameters; isCached: boolean; signal: AbortSignal },
  ): Promise<void> {
    const startedAt = performance.now();
    const asked = { file: image.file, cachedHash: isCached ? image.hash : undefined };
    try {
      image.result = await withApiKey(() =>
        detectFile(service, asked, { ...parameters, include: 'summary' }, { signal }),
      );
      image.hash = image.result.image.sha256;
      image.ms = performance.now() - startedAt;
      image.state = 'done';
      delete image.error;
    } catch (error) {
      if (signal.aborted) {
        image.state = 'waiting';
        return;
      }
      // The user has no key to enter: do not ask for one at each image.
      if (error instanceof EdgesiftError && error.status === 401) this.stop();
      image.ms = performance.now() - startedAt;
      image.state = 'failed';
      image.error = {
        code: error instanceof EdgesiftError ? error.code : 'UNREADABLE_FILE',
        message: error instanceof Error ? error.message : String(error),
      };
    }
  }
}
