import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Pacer, ServiceUnreachable } from '../../../client/command-line/batch/pacer.ts';
import { runBatch } from '../../../client/command-line/batch/run-batch.ts';
import { type ImageOutcome, StateFile } from '../../../client/command-line/batch/state-file.ts';
import { folderTarget } from '../../../client/command-line/batch/target.ts';
import { ColmapDatabase } from '../../../client/command-line/colmap/database.ts';
import {
  type ImagePair,
  imagePairs,
  matchPairs,
  type PairOutcome,
} from '../../../client/command-line/colmap/match-pairs.ts';
import { UsageError } from '../../../client/command-line/exit.ts';
import { readFeatures } from '../../../client/features.ts';
import { clientOf, type Handler, problem, sha256Of } from './fake-service.ts';
import { featureFile } from './feature-file.ts';

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-batch-'));
  out = path.join(folder, 'out');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function imagesOf(...names: string[]): { name: string; path: string }[] {
  return names.map((name) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `bytes of ${name}`);
    return { name, path: file };
  });
}

async function outcomesOf(
  images: { name: string; path: string }[],
  handler: Handler,
  { patienceMs = 60_000, signal = new AbortController().signal } = {},
): Promise<ImageOutcome[]> {
  const { client } = clientOf(handler, { retries: 0 });
  const target = folderTarget(out, 'safetensors');
  const pacer = new Pacer(patienceMs, signal);
  const run = { client, parameters: {}, target, concurrency: 2, pacer, signal };
  const outcomes = [];
  for await (const outcome of runBatch(images, run)) outcomes.push(outcome);
  return outcomes.sort((one, other) => (one.name < other.name ? -1 : 1));
}

const EXISTS = '/api/v1/features/exists';

test('a fault of the service, of one image or of one file stops no other image', async () => {
  const images = imagesOf('a.jpg', 'bad.jpg', 'c.jpg');
  images.push({ name: 'missing.jpg', path: path.join(folder, 'missing.jpg') });
  const outcomes = await outcomesOf(images, ({ method, path: place, body }) => {
    if (place === EXISTS) return problem('INTERNAL_SERVER_ERROR');
    if (method === 'GET') return problem('FEATURES_NOT_CACHED');
    return new TextDecoder().decode(body).includes('bad')
      ? problem('INTERNAL_SERVER_ERROR')
      : new Response(featureFile(2), { headers: { 'X-Cache': 'MISS' } });
  });
  expect(outcomes.map(({ name, status, error_code }) => [name, status, error_code])).toEqual([
    ['a.jpg', 'computed', undefined],
    ['bad.jpg', 'failed', 'INTERNAL_SERVER_ERROR'],
    ['c.jpg', 'computed', undefined],
    ['missing.jpg', 'failed', 'FILE_UNREADABLE'],
  ]);
  expect(readFeatures(new Uint8Array(readFileSync(path.join(out, 'a.jpg.safetensors')))).count).toBe(2);
});

test('images that are cached are not sent', async () => {
  const images = imagesOf('a.jpg', 'b.jpg');
  const known = sha256Of(new TextEncoder().encode('bytes of a.jpg'));
  const sent: string[] = [];
  const outcomes = await outcomesOf(images, ({ method, path: place, body }) => {
    if (place === EXISTS) return Response.json({ cached: [known] });
    if (method === 'POST') sent.push(new TextDecoder().decode(body));
    const tier = method === 'GET' ? 'HIT redis' : 'MISS';
    return new Response(featureFile(1), { headers: { 'X-Cache': tier } });
  });
  expect(outcomes.map(({ status }) => status)).toEqual(['cached', 'computed']);
  expect(sent).toEqual(['bytes of b.jpg']);
});

test('requests that are refused for now are repeated, and no image fails by it', async () => {
  const images = imagesOf('a.jpg', 'b.jpg', 'c.jpg');
  let refusals = 3;
  const outcomes = await outcomesOf(images, ({ path: place }) => {
    if (place === EXISTS) return Response.json({ cached: [] });
    refusals -= 1;
    return refusals >= 0 ? problem('OVERLOADED', { retryAfterSeconds: 0 }) : new Response(featureFile(1));
  });
  expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('computed'));
});

test('an outage that outlasts the patience ends the run, and fails no image', async () => {
  const run = outcomesOf(imagesOf('a.jpg'), () => problem('ORIGIN_UNAVAILABLE'), { patienceMs: 1 });
  await expect(run).rejects.toBeInstanceOf(ServiceUnreachable);
});

test.each(['FORBIDDEN', 'UNAUTHORIZED', 'INVALID_PARAMETER'] as const)(
  'a refusal that concerns every image ends the run: %s',
  async (code) => {
    let uploads = 0;
    const images = imagesOf(...Array.from({ length: 20 }, (_, index) => `${index}.jpg`));
    const run = outcomesOf(images, ({ path: place }) => {
      if (place === EXISTS) return Response.json({ cached: [] });
      uploads += 1;
      return problem(code);
    });
    await expect(run).rejects.toMatchObject({ code });
    expect(uploads).toBeLessThan(5);
  },
);

test('a state remembers outcomes, and loses of a killed run only the line that was being written', () => {
  const file = path.join(folder, 'state.jsonl');
  const recipe = { format: 'npz', parameters: {} };
  const first = StateFile.open(file, recipe, false);
  first.add({ name: 'a.jpg', status: 'computed' });
  first.add({ name: 'b.jpg', status: 'failed' });
  first.close();
  appendFileSync(file, '{"name":"c.jpg","stat');

  const second = StateFile.open(file, recipe, false);
  expect(['a.jpg', 'b.jpg', 'c.jpg'].map((name) => second.find(name)?.status)).toEqual([
    'computed',
    'failed',
    undefined,
  ]);
  second.add({ name: 'b.jpg', status: 'cached' });
  second.close();

  const third = StateFile.open(file, recipe, false);
  expect([third.find('a.jpg')?.status, third.find('b.jpg')?.status]).toEqual(['computed', 'cached']);
  third.close();
  expect(() => StateFile.open(file, { ...recipe, format: 'key' }, false)).toThrow(UsageError);
  const anew = StateFile.open(file, { ...recipe, format: 'key' }, true);
  expect(anew.find('a.jpg')).toBeUndefined();
  anew.close();
  writeFileSync(file, 'no state\n');
  expect(() => StateFile.open(file, recipe, false)).toThrow(/is not the state of a batch/);
});

describe('pairs', () => {
  let database: ColmapDatabase;
  beforeEach(async () => {
    database = await ColmapDatabase.open(path.join(folder, 'photos.db'));
  });
  afterEach(() => database.close());

  function matchableImages(...names: string[]) {
    const features = readFeatures(featureFile(1));
    return imagesOf(...names).map((image) => {
      database.putImage(image.name, features);
      return { ...image, sha256: sha256Of(readFileSync(image.path)) };
    });
  }

  function match(pairs: readonly ImagePair[], handler: Handler): Promise<PairOutcome[]> {
    const { client } = clientOf(handler, { retries: 0 });
    const { signal } = new AbortController();
    const pacer = new Pacer(60_000, signal);
    return Array.fromAsync(
      matchPairs(pairs, { client, database, parameters: {}, concurrency: 2, pacer, signal }),
    );
  }

  test('one whose image is gone fails alone', async () => {
    const images = matchableImages('a.jpg', 'b.jpg', 'gone.jpg');
    rmSync(path.join(folder, 'gone.jpg'));
    const outcomes = await match(imagePairs(images, Number.POSITIVE_INFINITY).slice(0, 2), ({ body }) =>
      new TextDecoder().decode(body).includes('bytes of')
        ? Response.json({ matches: 0, inliers: 0, fundamental: null })
        : problem('FEATURES_NOT_CACHED'),
    );
    expect(outcomes.sort()).toEqual(['failed', 'unrelated']);
    expect([database.hasPair('a.jpg', 'b.jpg'), database.hasPair('a.jpg', 'gone.jpg')]).toEqual([
      true,
      false,
    ]);
  });

  test.each(['FORBIDDEN', 'UNAUTHORIZED', 'INVALID_PARAMETER'] as const)(
    'a refusal that concerns every pair ends the matching: %s',
    async (code) => {
      let requests = 0;
      const images = matchableImages(...Array.from({ length: 8 }, (_, index) => `${index}.jpg`));
      const matching = match(imagePairs(images, Number.POSITIVE_INFINITY), () => {
        requests += 1;
        return problem(code);
      });
      await expect(matching).rejects.toMatchObject({ code });
      expect(requests).toBeLessThan(6);
    },
  );
});
