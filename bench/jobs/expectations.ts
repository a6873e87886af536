import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { problemSchema } from '../../shared/contract/errors.ts';
import type { JobResponse } from '../../shared/contract/jobs.ts';
import type { OriginServer } from '../../test/fixtures/origin-server.ts';
import { postForExtraction } from '../../test/fixtures/signed-request.ts';
import type { NamedImage } from './images.ts';

/** What `detect` gives for an image. */
export type Detected = { features: Uint8Array } | { code: string };

export async function detect(origin: OriginServer, { bytes }: NamedImage): Promise<Detected> {
  const response = await postForExtraction(origin, bytes);
  if (response.ok) return { features: new Uint8Array(await response.arrayBuffer()) };
  return { code: problemSchema.parse(await response.json()).error_code };
}

/** What a report says of an image. */
export interface Row {
  status: string;
  code: string;
  sha256: string | undefined;
}

const resultsSchema = z.object({
  Results: z.array(z.object({ Bucket: z.string(), Key: z.string(), MD5Checksum: z.string() })),
});
const messageSchema = z.object({ sha256: z.string() });

/**
 * The rows of a job's reports by the key of their image.
 *
 * @param read gets a file of the job by its name in the folder of the job's files
 * @throws Error for an image that is reported twice, and a report that is not what report.json says
 */
export async function readReports(
  job: JobResponse,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Map<string, Row>> {
  const { Results } = resultsSchema.parse(JSON.parse(new TextDecoder().decode(await read('report.json'))));
  if (Results.length !== job.shards.total)
    throw new Error(`${Results.length} reports of ${job.shards.total}`);
  const rows = new Map<string, Row>();
  for (const { Key, MD5Checksum } of Results) {
    const bytes = await read(`reports/${path.basename(Key)}`);
    if (createHash('md5').update(bytes).digest('hex') !== MD5Checksum) throw new Error(`${Key} has changed`);
    for (const [, key = '', , status = '', code = '', , message = ''] of parseRows(bytes)) {
      if (rows.has(key)) throw new Error(`${key} is reported twice`);
      const sha256 = status === 'succeeded' ? messageSchema.parse(JSON.parse(message)).sha256 : undefined;
      rows.set(key, { status, code, sha256 });
    }
  }
  return rows;
}

function parseRows(bytes: Uint8Array): string[][] {
  return z.array(z.array(z.string())).parse(parse(Buffer.from(bytes)));
}

export function fileReader(folder: string): (name: string) => Promise<Uint8Array> {
  return (name) => readFile(path.join(folder, name));
}
