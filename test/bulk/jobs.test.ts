import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemSchema } from '../../shared/contract/errors.ts';
import { jobListResponseSchema, jobResponseSchema } from '../../shared/contract/jobs.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { type BulkProcess, type BulkStack, startBulkStack } from '../fixtures/bulk-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { until } from '../fixtures/until.ts';

let stack: BulkStack;
let worker: BulkProcess;

beforeAll(async () => {
  stack = await startBulkStack();
  worker = await stack.startWorker();
  await makeImages('images', 40);
});
afterAll(() => stack?.stop());

const inFolder = (...names: string[]) => path.join(stack.folder, ...names);

async function makeImages(folder: string, count: number): Promise<void> {
  await mkdir(inFolder(folder, 'sub'), { recursive: true });
  for (let index = 0; index < count; index += 1) {
    const name = `${index % 2 === 0 ? 'sub/' : ''}${index}.png`;
    await writeFile(inFolder(folder, name), await newImage(96, 72));
  }
}

/** The end of a file's name that a worker may leave behind when it is killed: no reader takes it for a result or a report. */
const UNFINISHED = '.part';

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(inFolder(folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(inFolder(folder), path.join(entry.parentPath, entry.name)));
}

async function reportRows(folder: string, job: string): Promise<string[]> {
  const reports = inFolder(folder, '_edgesift', job, 'reports');
  const names = (await readdir(reports)).filter((name) => !name.endsWith(UNFINISHED));
  const texts = await Promise.all(names.toSorted().map((name) => readFile(path.join(reports, name), 'utf8')));
  return texts.join('').trimEnd().split('\n');
}

test('makes every result, though its worker and its queue are killed on the way', async () => {
  const { id } = await stack.create({
    source: { prefix: inFolder('images') },
    output: inFolder('results'),
    formats: ['colmap'],
  });
  await until('the job has begun', async () =>
    (await filesBelow('results')).some((name) => name.endsWith('.txt')),
  );
  await worker.kill();
  await stack.nats.restart();
  worker = await stack.startWorker();

  const ended = await stack.untilEnded(id);
  expect(ended).toMatchObject({
    state: 'completed',
    images: { total: 40, done: 40, succeeded: 40, failed: 0 },
    shards: { total: 8, done: 8 },
  });
  const files = (await filesBelow('results')).filter(
    (name) => !name.startsWith('_edgesift') && !name.endsWith(UNFINISHED),
  );
  expect(files).toHaveLength(80);
  const rows = await reportRows('results', id);
  expect(rows).toHaveLength(40);
  expect(new Set(rows.map((row) => row.split(',')[1])).size).toBe(40);
  const payload = new Uint8Array(await readFile(inFolder('results', 'sub', '0.png.safetensors')));
  expect(decodePayload(payload).metadata.image).toMatchObject({ format: 'png', width: 96, height: 72 });

  const again = await stack.create({ source: { prefix: inFolder('images') }, output: inFolder('results') });
  expect((await stack.untilEnded(again.id)).images).toMatchObject({ succeeded: 40, cached: 40 });
});

test('goes on when queue and job records are lost and the job service starts anew', async () => {
  await worker.stop();
  const { id } = await stack.create({
    source: { prefix: inFolder('images') },
    output: inFolder('results-2'),
    parameters: { nfeatures: 10 },
  });
  await until('the shards are cut', async () => (await stack.job(id)).shards.total === 8);
  await stack.nats.restart({ emptied: true });
  await stack.restartJobService();
  worker = await stack.startWorker();
  expect(await stack.untilEnded(id)).toMatchObject({
    state: 'completed',
    images: { total: 40, succeeded: 40, cached: 0 },
    parameters: { nfeatures: 10 },
  });
});

test('reports each image that fails with its reason, and tries only those again', async () => {
  await writeFile(inFolder('text.jpg'), 'no image');
  const whole = await newImage(64, 64);
  await writeFile(inFolder('whole.png'), whole);
  const manifest = [
    '# a comment',
    'whole.png',
    '{"image": "whole.png", "output": "named"}',
    'text.jpg',
    'missing.jpg',
    '/etc/passwd',
    'https://127.0.0.1/image.png',
    'ftp://example.org/image.png',
    '{"no": "image"}',
    '../outside.jpg',
    's3://bucket/key.jpg',
  ];
  await writeFile(inFolder('manifest.txt'), manifest.join('\n'));
  const request = { source: { manifest: inFolder('manifest.txt') }, output: inFolder('results-3') };
  const { id } = await stack.create(request);
  expect((await stack.untilEnded(id)).images).toMatchObject({ total: 10, succeeded: 2, failed: 8 });
  expect((await filesBelow('results-3')).filter((name) => name.endsWith('.safetensors')).toSorted()).toEqual([
    'named.safetensors',
    'whole.png.safetensors',
  ]);
  const codes = (await reportRows('results-3', id)).map((row) => row.split(',').slice(3, 6).join(' '));
  expect(codes).toEqual([
    'succeeded  200',
    'succeeded  200',
    'failed INVALID_IMAGE 400',
    'failed NOT_FOUND 404',
    'failed FORBIDDEN 403',
    'failed FORBIDDEN 403',
    'failed INVALID_PARAMETER 400',
    'failed INVALID_PARAMETER 400',
    'failed INVALID_PARAMETER 400',
    'failed FORBIDDEN 403',
  ]);

  await writeFile(inFolder('missing.jpg'), whole);
  const response = await stack.call('POST', `/${id}/retry-failed`);
  expect(response.status).toBe(202);
  const { id: retry } = jobResponseSchema.parse(await response.json());
  expect(await stack.untilEnded(retry)).toMatchObject({
    retry_of: id,
    images: { total: 8, succeeded: 1, failed: 7 },
  });
});

describe('requests', () => {
  const problemOf = async (request: unknown) => {
    const response = await stack.call('POST', '', request);
    return [response.status, problemSchema.parse(await response.json()).error_code];
  };

  test('are refused where they make no sense, and where the output cannot be written', async () => {
    const source = { prefix: inFolder('images') };
    const output = inFolder('results-4');
    expect(await problemOf({ output })).toEqual([400, 'INVALID_PARAMETER']);
    expect(await problemOf({ source: { ...source, images: [] }, output })).toEqual([
      400,
      'INVALID_PARAMETER',
    ]);
    expect(await problemOf({ source, output: '/proc/results' })).toEqual([400, 'INVALID_PARAMETER']);
    expect(await problemOf({ source, output: 's3://bucket/results/' })).toEqual([400, 'INVALID_PARAMETER']);
    expect(await problemOf({ source, output, parameters: { sigma: 'huge' } })).toEqual([
      400,
      'INVALID_PARAMETER',
    ]);
    expect(await problemOf({ source, output, webhook: 'https://example.org/' })).toEqual([
      400,
      'INVALID_PARAMETER',
    ]);
    expect((await stack.call('GET', '/job-000000000-00000000')).status).toBe(404);
    expect((await fetch(`${stack.url}/v1/jobs`)).status).toBe(401);
  });

  test('for nothing end at once, for a folder that is not there with a reason', async () => {
    const none = await stack.create({ source: { images: [] }, output: inFolder('results-5') });
    expect(await stack.untilEnded(none.id)).toMatchObject({ state: 'completed', images: { total: 0 } });
    const missing = await stack.create({
      source: { prefix: inFolder('nowhere') },
      output: inFolder('results-5'),
    });
    const ended = await stack.untilEnded(missing.id);
    expect(ended.state).toBe('failed');
    expect(ended.message).toContain('nowhere');
  });

  test('are listed, newest first, page by page', async () => {
    const page = async (query: string) =>
      jobListResponseSchema.parse(await (await stack.call('GET', query)).json());
    const first = await page('?limit=2');
    const ids = first.jobs.map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(ids).toEqual(ids.toSorted().toReversed());
    const second = await page(`?limit=1&before=${first.next}`);
    expect(ids).not.toContain(second.jobs[0]?.id);
    expect(second.jobs).toHaveLength(1);
  });
});

test('reports the progress of a job, and ends it when it is cancelled', async () => {
  await worker.stop();
  const { id } = await stack.create({
    source: { prefix: inFolder('images') },
    output: inFolder('results-6'),
  });
  const events = await stack.call('GET', `/${id}/events`);
  expect(events.headers.get('content-type')).toContain('text/event-stream');
  await until('the shards are cut', async () => (await stack.job(id)).shards.total === 8);
  const response = await stack.call('POST', `/${id}/cancel`);
  expect(await response.json()).toMatchObject({ id, state: 'cancelled' });
  const text = await events.text();
  const states = Array.from(text.matchAll(/"state":"(\w+)"/g), ([, state]) => state);
  expect(states.at(-1)).toBe('cancelled');
  worker = await stack.startWorker();
  const next = await stack.create({ source: { images: [] }, output: inFolder('results-7') });
  await stack.untilEnded(next.id);
  expect((await filesBelow('results-6')).some((name) => name.endsWith('.safetensors'))).toBe(false);
  await rm(inFolder('results-6'), { recursive: true });
});
