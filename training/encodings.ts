import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunLog } from './log.ts';
import { runTasks } from './threads.ts';
import type { Task, TaskResult, WorkerSettings } from './worker.ts';

/** Encodings of many images: I16[count, length] and F32[count]. */
export interface EncodingTable {
  values: Int16Array;
  scales: Float32Array;
  length: number;
}

/** What one phase of encoding leaves behind; `floats` F32[count, width] where the tasks give any. */
export interface Encodings {
  joined: EncodingTable;
  single?: EncodingTable;
  floats: Float32Array;
}

const CHUNK = 64;

/**
 * Encodes images, in chunks that are written to `folder` as they are done: a run that was ended goes on with the
 * first chunk that is missing.
 *
 * @param length of an encoding
 * @param withSingle whether the tasks give encodings of the image alone too
 */
export async function encodeAll(
  tasks: readonly Task[],
  settings: WorkerSettings,
  {
    folder,
    length,
    withSingle,
    threads,
    log,
  }: {
    folder: string;
    length: number;
    withSingle: boolean;
    threads: number;
    log: RunLog;
  },
): Promise<Encodings> {
  await mkdir(folder, { recursive: true });
  const chunks = Array.from({ length: Math.ceil(tasks.length / CHUNK) }, (_, index) => index);
  const missing = chunks.filter((chunk) => !existsSync(chunkFile(folder, chunk)));
  const wanted = missing.flatMap((chunk) => tasks.slice(chunk * CHUNK, (chunk + 1) * CHUNK));
  if (missing.length < chunks.length)
    log.note('resumed', { done: chunks.length - missing.length, of: chunks.length });
  let results: TaskResult[] = [];
  let at = 0;
  await runTasks(wanted, settings, threads, async (result, index) => {
    results.push(result);
    const chunk = missing[at] ?? 0;
    if (results.length === Math.min(CHUNK, tasks.length - chunk * CHUNK)) {
      await writeChunk(chunkFile(folder, chunk), results);
      results = [];
      at++;
    }
    log.progress(index + 1, wanted.length);
  });
  return readChunks(folder, tasks.length, length, withSingle);
}

function chunkFile(folder: string, chunk: number): string {
  return path.join(folder, `${String(chunk).padStart(5, '0')}.bin`);
}

async function writeChunk(file: string, results: readonly TaskResult[]): Promise<void> {
  const parts = results.flatMap(({ joined, single, floats }) =>
    [
      joined && [bytesOf(joined.values), bytesOf(Float32Array.of(joined.scale))],
      single && [bytesOf(single.values), bytesOf(Float32Array.of(single.scale))],
      floats && [bytesOf(floats)],
    ].flatMap((part) => part ?? []),
  );
  await writeFile(`${file}.part`, Buffer.concat(parts));
  await rename(`${file}.part`, file);
}

async function readChunks(
  folder: string,
  count: number,
  length: number,
  withSingle: boolean,
): Promise<Encodings> {
  const table = (): EncodingTable => ({
    values: new Int16Array(count * length),
    scales: new Float32Array(count),
    length,
  });
  const joined = table();
  const single = withSingle ? table() : undefined;
  const floats: Float32Array[] = [];
  const encodingBytes = 2 * length + 4;
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first);
    const bytes = await readFile(chunkFile(folder, first / CHUNK));
    const rowBytes = bytes.length / rows;
    for (let i = 0; i < rows; i++) {
      const row = bytes.subarray(i * rowBytes, (i + 1) * rowBytes);
      let from = take(row, 0, joined, first + i);
      if (single) from = take(row, from, single, first + i);
      if (from < rowBytes) floats.push(new Float32Array(new Uint8Array(row.subarray(from)).buffer));
    }
    if (rowBytes < encodingBytes) throw new Error(`${folder} belongs to another run: delete it`);
  }
  return { joined, ...(single && { single }), floats: concatenate(floats) };
}

function take(row: Uint8Array, from: number, table: EncodingTable, at: number): number {
  const end = from + 2 * table.length;
  const target = new Uint8Array(table.values.buffer, 2 * at * table.length, 2 * table.length);
  target.set(row.subarray(from, end));
  table.scales[at] = new DataView(row.buffer, row.byteOffset + end, 4).getFloat32(0, true);
  return end + 4;
}

export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Some rows of a table. */
export function rowsOfTable(
  { values, scales, length }: EncodingTable,
  rows: readonly number[],
): EncodingTable {
  const some = new Int16Array(rows.length * length);
  rows.forEach((row, at) => {
    some.set(values.subarray(row * length, (row + 1) * length), at * length);
  });
  return { values: some, scales: Float32Array.from(rows, (row) => scales[row] ?? 0), length };
}

/** One table after the other. */
export function joinTables(tables: readonly EncodingTable[]): EncodingTable {
  const count = tables.reduce((sum, { scales }) => sum + scales.length, 0);
  const length = tables[0]?.length ?? 0;
  const joined = { values: new Int16Array(count * length), scales: new Float32Array(count), length };
  let at = 0;
  for (const { values, scales } of tables) {
    joined.values.set(values, at * length);
    joined.scales.set(scales, at);
    at += scales.length;
  }
  return joined;
}

/** What `make` gives, kept in a file: a run that was ended does not make it again. */
export async function kept(file: string, make: () => Promise<Float32Array>): Promise<Float32Array> {
  if (existsSync(file)) {
    const bytes = await readFile(file);
    return new Float32Array(new Uint8Array(bytes).buffer);
  }
  const values = await make();
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(`${file}.part`, 'w');
  try {
    await handle.writeFile(bytesOf(values));
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  return values;
}

function bytesOf(array: Int16Array | Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
