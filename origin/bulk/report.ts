import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import * as z from 'zod';
import type { ErrorStatus } from '../../shared/contract/errors.ts';
import { type ImageFailure, REPORT_COLUMNS } from '../../shared/contract/jobs.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { parseLocation } from '../storage/location.ts';
import type { ShardEntry } from './shard.ts';

export interface Success {
  status: 'succeeded';
  /** Location of the result. */
  output: string;
  sha256: string;
  keypoints: number;
  /** Whether the result was there already. */
  cached: boolean;
}

export interface Failure {
  status: 'failed';
  code: ImageFailure;
  httpStatus: ErrorStatus;
  message: string;
}

/** What became of an image. */
export type Outcome = Success | Failure;

export interface Counts {
  succeeded: number;
  failed: number;
  /** Of the succeeded. */
  cached: number;
}

export function countsOf(outcomes: readonly Outcome[]): Counts {
  const succeeded = outcomes.filter((outcome) => outcome.status === 'succeeded');
  return {
    succeeded: succeeded.length,
    failed: outcomes.length - succeeded.length,
    cached: succeeded.filter(({ cached }) => cached).length,
  };
}

/** The report of a shard: one row for each of its entries, in their order, without a row of names. */
export function encodeReport(entries: readonly ShardEntry[], outcomes: readonly Outcome[]): Uint8Array {
  const rows = entries.map((entry, index) => rowOf(entry, outcomes[index]));
  return new TextEncoder().encode(stringify(rows));
}

function rowOf(entry: ShardEntry, outcome: Outcome | undefined): string[] {
  if (!outcome) throw new TypeError('an image has no outcome');
  const [bucket, key, versionId] = namesOf(entry);
  if (outcome.status === 'failed') {
    return [bucket, key, versionId, 'failed', outcome.code, String(outcome.httpStatus), outcome.message];
  }
  const { output, sha256, keypoints, cached } = outcome;
  const message = JSON.stringify({ output, sha256, keypoints, cached });
  return [bucket, key, versionId, 'succeeded', '', '200', message];
}

function namesOf(entry: ShardEntry): [bucket: string, key: string, versionId: string] {
  if ('line' in entry) return ['', entry.line, ''];
  const location = parseLocation(entry.image);
  const versionId = entry.version_id ?? '';
  if (location.kind === 'web') {
    const { host, pathname, search } = location.url;
    return [host, pathname + search, versionId];
  }
  return location.kind === 's3'
    ? [location.bucket, location.key, versionId]
    : ['', `/${location.key}`, versionId];
}

const rowsSchema = z.array(z.array(z.string()).length(REPORT_COLUMNS.length));
const messageSchema = z.object({ cached: z.boolean() });

/** What a report says of each of its rows, as far as counting and trying again need it. */
export function decodeReport(bytes: Uint8Array): { isFailed: boolean; isCached: boolean }[] {
  const rows = rowsSchema.parse(parse(Buffer.from(bytes)));
  return rows.map(([, , , taskStatus, , , message = '']) => {
    const isFailed = taskStatus !== 'succeeded';
    return {
      isFailed,
      isCached: !isFailed && messageSchema.safeParse(parseJson(message)).data?.cached === true,
    };
  });
}

export function countsOfReport(bytes: Uint8Array): Counts {
  const rows = decodeReport(bytes);
  const failed = rows.filter(({ isFailed }) => isFailed).length;
  return {
    succeeded: rows.length - failed,
    failed,
    cached: rows.filter(({ isCached }) => isCached).length,
  };
}
