import { readFile } from 'node:fs/promises';
import type { EdgesiftClient, ExtractionParameters } from '../../client.ts';
import { inParallel } from '../../concurrency.ts';
import type { MatchResponse } from '../../contract.ts';
import { EdgesiftError } from '../../errors.ts';
import type { Pacer } from '../batch/pacer.ts';
import { concernsEveryImage } from '../concerns-every-image.ts';
import { fileErrorOf } from '../file-error.ts';
import type { ColmapDatabase } from './database.ts';

export interface MatchedImage {
  name: string;
  path: string;
  sha256: string;
}

/** What became of a pair. Images of one that is unrelated have too little in common. */
export type PairOutcome = 'related' | 'unrelated' | 'failed';

export type ImagePair = readonly [MatchedImage, MatchedImage];

/**
 * The pairs to match.
 *
 * @param overlap each image with so many that follow it; Infinity for each with all
 */
export function imagePairs<Image>(images: readonly Image[], overlap: number): [Image, Image][] {
  return images.flatMap((first, index) =>
    images.slice(index + 1, index + 1 + overlap).map((second): [Image, Image] => [first, second]),
  );
}

export interface PairRun {
  client: EdgesiftClient;
  database: ColmapDatabase;
  parameters: ExtractionParameters;
  concurrency: number;
  pacer: Pacer;
  signal: AbortSignal;
}

/**
 * Matches pairs of images whose features are in the database, adds what they have in common, and yields what became
 * of each pair. A pair that fails stops no other.
 *
 * @throws ServiceUnreachable, EdgesiftError for a refused API key or parameter, or the reason of the signal
 */
export async function* matchPairs(
  pairs: readonly ImagePair[],
  { client, database, parameters, concurrency, pacer, signal }: PairRun,
): AsyncGenerator<PairOutcome> {
  yield* inParallel(pairs, concurrency, async ([first, second]): Promise<PairOutcome> => {
    let response: MatchResponse;
    try {
      response = await pacer.run(() => matchByHash(client, first, second, parameters, signal));
    } catch (error) {
      if (!signal.aborted && concernsPair(error)) return 'failed';
      throw error;
    }
    database.putMatch(first.name, second.name, response);
    return response.fundamental ? 'related' : 'unrelated';
  });
}

function concernsPair(error: unknown): boolean {
  if (error instanceof EdgesiftError) return !concernsEveryImage(error);
  return fileErrorOf(error) !== undefined;
}

async function matchByHash(
  client: EdgesiftClient,
  first: MatchedImage,
  second: MatchedImage,
  extraction: ExtractionParameters,
  signal: AbortSignal,
) {
  const parameters = { ...extraction, model: 'fundamental', include: 'all' } as const;
  try {
    return await client.match(first.sha256, second.sha256, parameters, { signal });
  } catch (error) {
    if (!(error instanceof EdgesiftError) || error.code !== 'FEATURES_NOT_CACHED') throw error;
  }
  const [left, right] = await Promise.all([readFile(first.path), readFile(second.path)]);
  return client.match(left, right, parameters, { signal, hashFirst: false });
}
