import { readFile } from 'node:fs/promises';
import type { EdgesiftClient, ExtractionParameters } from '../../client.ts';
import { inParallel } from '../../concurrency.ts';
import { EdgesiftError } from '../../errors.ts';
import type { Pacer } from '../batch/pacer.ts';
import type { ColmapDatabase } from './database.ts';

export interface MatchedImage {
  name: string;
  path: string;
  sha256: string;
}

/** How many pairs of images ended how; the others have too little in common. */
export interface PairTotals {
  pairs: number;
  related: number;
  /** Matched by an earlier run. */
  earlier: number;
  failed: number;
}

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

/** Matches pairs of images whose features are in the database, and adds what they have in common. */
export async function matchPairs(
  pairs: readonly [MatchedImage, MatchedImage][],
  options: {
    client: EdgesiftClient;
    database: ColmapDatabase;
    parameters: ExtractionParameters;
    concurrency: number;
    pacer: Pacer;
    signal: AbortSignal;
  },
): Promise<PairTotals> {
  const { client, database, parameters, concurrency, pacer, signal } = options;
  const missing = pairs.filter(([first, second]) => !database.hasPair(first.name, second.name));
  const totals: PairTotals = {
    pairs: pairs.length,
    related: 0,
    earlier: pairs.length - missing.length,
    failed: 0,
  };
  const matching = inParallel(missing, concurrency, async ([first, second]) => {
    try {
      const response = await pacer.run(() => matchByHash(client, first, second, parameters, signal));
      database.putMatch(first.name, second.name, response);
      return response.fundamental ? 'related' : 'unrelated';
    } catch (error) {
      if (error instanceof EdgesiftError && !signal.aborted) return 'failed';
      throw error;
    }
  });
  for await (const outcome of matching) if (outcome !== 'unrelated') totals[outcome] += 1;
  return totals;
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
