/** `node bench/matching.ts [folder]`: how true and how fast matching is on the Oxford sequences in ../shared/data. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extractFeatures } from '../origin/jobs/extract.ts';
import { matchFeatures } from '../origin/jobs/match.ts';
import { loadNativeAddon } from '../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS, geometryParametersSchema } from '../shared/contract/parameters.ts';
import { matchResultSchema } from '../shared/contract/responses.ts';
import { readImageHeader } from '../shared/image-header.ts';
import { joinPayloads } from '../shared/origin-protocol.ts';
import { sha256Hex } from '../shared/sha256.ts';
import { sharedDataMissing } from '../test/fixtures/images.ts';
import { oxfordImage, oxfordTruth, SEQUENCES, type Sequence } from '../test/matching/oxford.ts';
import { meanCornerError } from '../test/matching/planar-scene.ts';
import { median } from './statistics.ts';

const REPETITIONS = 3;
const PARAMETERS = geometryParametersSchema.parse({});
const addon = loadNativeAddon();

interface PairFigures {
  pair: string;
  /** Null where no homography was found. */
  corner_error_px: number | null;
  matches: number;
  inliers: number;
  match_ms: number;
}

async function featuresOf(sequence: Sequence, number: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = oxfordImage(sequence, number);
  const { payload } = await extractFeatures(addon, {
    kind: 'extract',
    bytes,
    sha256: await sha256Hex(bytes),
    header: readImageHeader(bytes),
    parameters: DEFAULT_SIFT_PARAMETERS,
  });
  return payload;
}

async function measurePair(sequence: Sequence, number: number, first: Uint8Array): Promise<PairFigures> {
  const second = await featuresOf(sequence, number);
  const { width, height } = readImageHeader(oxfordImage(sequence, 1));
  const runs = [];
  for (let run = 0; run < REPETITIONS; run += 1) {
    const task = { kind: 'match', bytes: joinPayloads(first, second), parameters: PARAMETERS } as const;
    runs.push(await matchFeatures(addon, task));
  }
  const result = JSON.parse(new TextDecoder().decode(runs[0]?.payload));
  const { matches, inliers, homography } = matchResultSchema.parse(result);
  const error =
    homography && meanCornerError(homography.matrix.flat(), oxfordTruth(sequence, number), width, height);
  return {
    pair: `${sequence} 1→${number}`,
    corner_error_px: error ?? null,
    matches,
    inliers,
    match_ms: median(runs.map(({ matchMs }) => matchMs)),
  };
}

function report({ pair, corner_error_px, matches, inliers, match_ms }: PairFigures): void {
  const error = corner_error_px === null ? 'none' : corner_error_px.toFixed(2);
  const columns = [
    pair.padEnd(14),
    error.padStart(9),
    String(matches).padStart(8),
    String(inliers).padStart(8),
  ];
  process.stdout.write(`${columns.join('')}${match_ms.toFixed(0).padStart(8)}\n`);
}

if (!sharedDataMissing('the benchmark of matching')) {
  process.stdout.write('pair          error px matches inliers      ms\n');
  const pairs: PairFigures[] = [];
  for (const sequence of SEQUENCES) {
    const first = await featuresOf(sequence, 1);
    for (const number of [2, 3, 4, 5, 6]) {
      const figures = await measurePair(sequence, number, first);
      report(figures);
      pairs.push(figures);
    }
  }
  const folder = process.argv[2] ?? 'build/bench';
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'matching.json');
  writeFileSync(
    file,
    `${JSON.stringify({ extractor: addon.engine, parameters: PARAMETERS, pairs }, null, 2)}\n`,
  );
  process.stdout.write(`written to ${file}\n`);
}
