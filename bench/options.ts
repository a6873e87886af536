import { parseArgs } from 'node:util';

/** What a run measures, in this order. */
export const PARTS = ['hits', 'misses', 'throughput', 'load'] as const;
export type Part = (typeof PARTS)[number];

/** What the command line decides. */
export interface Options {
  /** Fewer repetitions: for a look, not for figures to keep. */
  readonly quick: boolean;
  /** Where the JSON goes. */
  readonly jsonFile: string;
  /** Folder of image files to measure with; our own choice when not given. */
  readonly images: string | undefined;
  /** Whether the peer is measured too; it is skipped, loudly, where its packages are missing. */
  readonly peer: boolean;
  readonly parts: readonly Part[];
}

/** @throws TypeError for an option or a part that does not exist */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: 'build/bench/service.json' },
      images: { type: 'string' },
      peer: { type: 'boolean', default: true },
      only: { type: 'string', multiple: true },
    },
  });
  const { quick, json, images, peer, only } = values;
  const unknown = only?.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new TypeError(`--only takes ${PARTS.join(', ')}, not ${unknown}`);
  const parts = only ? PARTS.filter((part) => only.includes(part)) : PARTS;
  return { quick, jsonFile: json, images, peer, parts };
}

/** How much is measured. */
export interface Effort {
  /** How often every load is measured; they take turns. */
  readonly repetitions: number;
  /** Requests of one measurement, by number of connections. */
  readonly requests: { readonly one: number; readonly many: number };
  /** Distinct images of one measurement of hits in Redis, where each can be requested once. */
  readonly redisKeys: { readonly one: number; readonly many: number };
  /** How often each image is extracted by each contestant. */
  readonly missRounds: number;
  /** How often throughput is measured, and new images and hits of each measurement. */
  readonly throughput: { readonly rounds: number; readonly misses: number; readonly hits: number };
  /** Of each stage of the load test. */
  readonly loadSeconds: number;
}

const FULL: Effort = {
  repetitions: 5,
  requests: { one: 400, many: 1600 },
  redisKeys: { one: 200, many: 1000 },
  missRounds: 11,
  throughput: { rounds: 9, misses: 64, hits: 1000 },
  loadSeconds: 6,
};
const QUICK: Effort = {
  repetitions: 2,
  requests: { one: 200, many: 400 },
  redisKeys: { one: 60, many: 200 },
  missRounds: 3,
  throughput: { rounds: 3, misses: 32, hits: 500 },
  loadSeconds: 2,
};

export function effortOf({ quick }: Options): Effort {
  return quick ? QUICK : FULL;
}
