import { MemoryAccount } from './resilience/memory-account.ts';
import { MemoryBudget } from './resilience/memory-budget.ts';

const MEBIBYTE = 1024 * 1024;

/**
 * The most bytes that an isolate holds for each purpose. An isolate has 128 MB in all; the rest is for the code, the
 * platform, and the small objects of requests. docs/architecture.md has the same table.
 */
export const MEMORY_PLAN = {
  /** Results that the isolate keeps only to be faster, and drops for a request that needs their room. */
  caches: { features: 16 * MEBIBYTE, vehicles: 4 * MEBIBYTE },
  /** Reports are promised for an hour: where Redis has not taken one, it exists only here. */
  vehicleReports: 2 * MEBIBYTE,
  budgets: {
    /** Uploads of up to 128 KiB have their own room, so that nothing else delays them. */
    smallUploads: 6 * MEBIBYTE,
    largeUploads: 24 * MEBIBYTE,
    /** Payloads that arrive from Redis and origins. */
    payloads: 24 * MEBIBYTE,
    /** Payloads that clients read. */
    responses: 16 * MEBIBYTE,
    /** Payloads that are matched. Small ones have their own room, as uploads do. */
    smallMatches: 4 * MEBIBYTE,
    matches: 8 * MEBIBYTE,
  },
} as const;

/** A match of payloads of at most this size each is small. */
export const SMALL_PAYLOAD_BYTES = MEBIBYTE / 2;

/** The sum of all parts must not exceed it. */
export const SAFE_MEMORY_BYTES = 104 * MEBIBYTE;

const RESPONSE_WAIT_MS = 20_000;
/** A reader that pauses longer while others wait in vain for its memory is ended. */
const READER_PAUSE_MS = 4_000;
/** A match takes seconds of its own: one that waits longer for its turn is better refused at once. */
const MATCH_WAIT_MS = 5_000;
/** As long as others get their turn, an upload waits for its own. */
const UPLOAD_QUEUE_MS = 60_000;

const RESULTS_REFUSAL = 'Too many results are in progress.';
const MATCHES_REFUSAL = 'Too many matches are in progress.';
const UPLOADS_REFUSAL = 'Too many uploads are in progress.';

/** All that requests hold, in one account; small uploads and matches are apart from it, so that nothing else delays them. */
export function openMemory(caches: readonly { clear(): void }[]) {
  const { budgets, caches: cacheBytes } = MEMORY_PLAN;
  const { smallUploads, smallMatches } = budgets;
  const account = new MemoryAccount({
    bytes: sumOf(cacheBytes),
    drop: () => {
      for (const cache of caches) cache.clear();
    },
  });
  const matches = { longestWaitMs: MATCH_WAIT_MS, refusesHopeless: true };
  const uploads = { longestQueueMs: UPLOAD_QUEUE_MS };
  return {
    payloads: account.open(budgets.payloads, RESULTS_REFUSAL),
    responses: account.open(budgets.responses, RESULTS_REFUSAL, {
      longestWaitMs: RESPONSE_WAIT_MS,
      stalledMs: READER_PAUSE_MS,
    }),
    smallMatches: new MemoryBudget(smallMatches, MATCHES_REFUSAL, matches),
    matches: account.open(budgets.matches, MATCHES_REFUSAL, matches),
    uploads: {
      small: new MemoryBudget(smallUploads, UPLOADS_REFUSAL, uploads),
      large: account.open(budgets.largeUploads, UPLOADS_REFUSAL, uploads),
    },
  };
}

function sumOf(parts: Record<string, number>): number {
  return Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
}
