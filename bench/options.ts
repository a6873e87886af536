import { parseArgs } from 'node:util';

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
}

/** @throws TypeError for an option that does not exist */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: 'build/bench/service.json' },
      images: { type: 'string' },
      peer: { type: 'boolean', default: true },
    },
  });
  return { quick: values.quick, jsonFile: values.json, images: values.images, peer: values.peer };
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
  /** New images of one measurement of the throughput of misses. */
  readonly missRequests: number;
}

const FULL: Effort = {
  repetitions: 7,
  requests: { one: 400, many: 1600 },
  redisKeys: { one: 200, many: 1000 },
  missRounds: 15,
  missRequests: 32,
};
const QUICK: Effort = {
  repetitions: 2,
  requests: { one: 200, many: 400 },
  redisKeys: { one: 60, many: 200 },
  missRounds: 3,
  missRequests: 12,
};

export function effortOf({ quick }: Options): Effort {
  return quick ? QUICK : FULL;
}
