import { readFile } from 'node:fs/promises';
import { type BatchItem, batchOf } from '../batch.ts';
import { EdgesiftError } from '../errors.ts';
import type { UploadOptions } from '../hash-first.ts';
import { concernsEveryImage } from './concerns-every-image.ts';
import { fileErrorOf } from './file-error.ts';
import type { ImageFileOnDisk } from './image-files.ts';
import { note } from './output.ts';

/** The result for one image; undefined where it failed, which has then been reported. */
export interface ImageResult<Result> {
  image: ImageFileOnDisk;
  result: Result | undefined;
}

/**
 * Sends images to the service, a few at a time, and yields each result as it completes. An image that fails is
 * reported on standard error and stops no other.
 *
 * @throws EdgesiftError for what no image gets past: no connection, a refused key, a parameter out of its range
 */
export async function* forEachImage<Result>(
  images: readonly ImageFileOnDisk[],
  work: (bytes: Uint8Array<ArrayBuffer>, options: UploadOptions) => Promise<Result>,
): AsyncGenerator<ImageResult<Result>> {
  const items = batchOf(images, {}, async ({ path }, upload) => {
    const bytes = await readImage(path);
    return bytes instanceof Error ? { error: bytes } : { result: await work(bytes, upload) };
  });
  for await (const item of items) {
    const outcome = outcomeOf(item);
    if ('result' in outcome) {
      yield { image: item.image, result: outcome.result };
      continue;
    }
    reportFailure(item.image, outcome.error);
    yield { image: item.image, result: undefined };
  }
}

/**
 * Reports an image that failed on standard error.
 *
 * @throws the error, where it is none of this image alone
 */
export function reportFailure({ name }: ImageFileOnDisk, error: unknown): void {
  if (error instanceof EdgesiftError) {
    if (error.code === 'CONNECTION_FAILED' || concernsEveryImage(error)) throw error;
    note(`✗ ${name}: ${error.code}: ${error.message}`);
    return;
  }
  const fileError = fileErrorOf(error);
  if (!fileError) throw error;
  note(`✗ ${name}: ${fileError.message}`);
}

type Outcome<Result> = { result: Result } | { error: Error };

function outcomeOf<Image, Result>(item: BatchItem<Image, Outcome<Result>>): Outcome<Result> {
  return item.error ? { error: item.error } : item.result;
}

async function readImage(path: string): Promise<Uint8Array<ArrayBuffer> | Error> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const fileError = fileErrorOf(error);
    if (fileError) return fileError;
    throw error;
  }
}
