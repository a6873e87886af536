import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFeatures } from '../../client/features.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { type FakeJobService, KNOWN_JOB, startFakeJobService } from '../fixtures/fake-job-service.ts';
import { newImage } from '../fixtures/images.ts';
import { type SwitchableProxy, startSwitchableProxy } from '../fixtures/switchable-proxy.ts';
import { until } from '../fixtures/until.ts';
import { pipeCommandLine, runCommandLine, startCommandLine } from './run-command-line.ts';

/** `EDGESIFT_FILES=10000` is the long form of the run that survives its kill; it takes a quarter of an hour. */
const IMAGES = Number(process.env.EDGESIFT_FILES ?? 120);
const IS_LONG = IMAGES > 1_000;
const LONGEST_WAIT_MS = IS_LONG ? 600_000 : 60_000;
const FOLDERS = 4;

/** Rendered hills, and no vehicle. */
const LANDSCAPE = path.resolve(import.meta.dirname, '../../docs/example/mountains.jpg');

let stack: EdgeStack;
let jobService: FakeJobService;
let proxy: SwitchableProxy;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-command-line-'));
  jobService = await startFakeJobService();
  const edgeEnvironment = { JOBS_URL: jobService.url, REDIS_TIMEOUT_MS: '3000' };
  [stack, proxy] = await Promise.all([
    startEdgeStack({ runtime: 'workerd', edgeEnvironment }),
    startSwitchableProxy(),
  ]);
  proxy.switchTo(stack.url);
});
afterAll(async () => {
  await proxy?.stop();
  await stack?.stop();
  await jobService?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...parameters: string[]) => runCommandLine(proxy.url, ...parameters);

function filesIn(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name, parentPath }) => path.join(parentPath, name));
}

async function makeImages(directory: string, count: number): Promise<void> {
  for (let index = 0; index < FOLDERS; index += 1) {
    mkdirSync(path.join(directory, `part-${index}`), { recursive: true });
  }
  const side = 24;
  for (let index = 0; index < count; index += 1) {
    const image = sharp(randomBytes(side * side), { raw: { width: side, height: side, channels: 1 } });
    const name = `${String(index).padStart(5, '0')}.png`;
    await image.png({ compressionLevel: 0 }).toFile(path.join(directory, `part-${index % FOLDERS}`, name));
  }
}

/** Images of which the state in this folder has a line. */
function stateLinesIn(directory: string): number {
  try {
    return readFileSync(path.join(directory, '.edgesift-state.jsonl'), 'utf8').split('\n').length - 2;
  } catch {
    return 0;
  }
}

test('a batch survives the end of the service and its own: nothing is lost, and nothing is done twice', {
  timeout: IS_LONG ? 1_800_000 : 120_000,
}, async () => {
  const photos = path.join(folder, 'many');
  const out = path.join(folder, 'many-features');
  // A repetition begins anew: the state of the failed attempt would hide what was lost.
  rmSync(out, { recursive: true, force: true });
  await makeImages(photos, IMAGES);
  const before = await completedExtractions(stack.origin);
  const batch = ['batch', photos, '--out', out, '--json', '--concurrency', '4'];
  const stateLines = () => stateLinesIn(out);

  const killed = startCommandLine(proxy.url, batch);
  await until('some images are done', () => stateLines() > IMAGES / 8, LONGEST_WAIT_MS);
  killed.process.kill('SIGKILL');
  await killed.ended;

  const resumed = startCommandLine(proxy.url, batch);
  await until('more images are done', () => stateLines() > IMAGES / 3, LONGEST_WAIT_MS);
  proxy.switchTo(undefined);
  await stack.restartEdge();
  proxy.switchTo(stack.url);
  const { code, stdout, stderr } = await resumed.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const totals = JSON.parse(stdout);
  expect(totals).toMatchObject({ images: IMAGES, failed: 0, left: 0 });
  expect(totals.earlier).toBeGreaterThan(0);
  expect(totals.computed + totals.cached + totals.earlier).toBe(IMAGES);

  const outputs = filesIn(out).filter((file) => !path.basename(file).startsWith('.'));
  const expected = filesIn(photos).map((file) => `${file.replace(photos, out)}.safetensors`);
  expect(outputs.sort()).toEqual(expected.sort());
  for (const file of outputs.slice(0, 50)) {
    expect(readFeatures(new Uint8Array(readFileSync(file))).image.width).toBe(24);
  }
  expect((await completedExtractions(stack.origin)) - before).toBeLessThanOrEqual(IMAGES + 8);

  const again = await run(...batch);
  expect(JSON.parse(again.stdout)).toMatchObject({ images: IMAGES, earlier: IMAGES, computed: 0, cached: 0 });
});

test('a bad file stops no other, is reported, and is alone tried again by --retry-failed', async () => {
  const photos = path.join(folder, 'mixed');
  const out = path.join(folder, 'mixed-features');
  const report = path.join(folder, 'report.jsonl');
  await makeImages(photos, 4);
  writeFileSync(path.join(photos, 'bad.jpg'), 'no image');
  const batch = ['batch', photos, '--out', out, '--format', 'colmap', '--report', report];

  const first = await run(...batch);
  expect(first.code).toBe(1);
  expect(first.stdout).toBe('5 images: 4 computed, 0 cached, 1 failed\n');
  expect(first.stderr).toMatch(/^✗ bad\.jpg: INVALID_IMAGE: /);
  const lines = readFileSync(report, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).status).sort()).toEqual([
    ...Array(4).fill('computed'),
    'failed',
  ]);
  expect(readFileSync(path.join(out, 'part-0', '00000.png.txt'), 'utf8')).toMatch(/^\d+ 128\n/);

  writeFileSync(path.join(photos, 'bad.jpg'), await newImage());
  const second = await run(...batch, '--retry-failed');
  expect([second.code, second.stdout]).toEqual([
    0,
    '5 images: 1 computed, 0 cached, 0 failed, 4 done earlier\n',
  ]);

  const other = await run(...batch, '--nfeatures', '5');
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('other options');
});

test('Ctrl-C ends a batch with what is done, and says nothing else', async () => {
  const photos = path.join(folder, 'interrupted');
  const out = path.join(folder, 'interrupted-features');
  await makeImages(photos, 200);
  const batch = ['batch', photos, '--out', out, '--concurrency', '1'];
  const { process, ended } = startCommandLine(proxy.url, batch);
  await until('some images are done', () => stateLinesIn(out) > 2);
  process.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
  expect(stdout).toMatch(/^200 images: \d+ computed, 0 cached, 0 failed, \d+ left\n$/);
});

test('exists, detect and demo report what is cached', async () => {
  const file = path.join(folder, 'new.png');
  writeFileSync(file, await newImage());
  expect((await run('exists', file)).stdout).toMatch(/new\.png {2}not cached {2}[0-9a-f]{64}\n$/);
  expect((await run('detect', file)).stdout).toMatch(/160×120 +\d+ {2}keypoints {2}computed/);
  expect(JSON.parse((await run('detect', file, '--json', '--include', 'keypoints')).stdout)).toMatchObject({
    file,
    cached: true,
  });
  expect(JSON.parse((await run('exists', file, '--json')).stdout)).toMatchObject({ file, cached: true });
  expect((await run('exists', file, '--nfeatures', '5')).stdout).toContain('not cached');
  const demo = await run('demo', file, '--runs', '2');
  expect(demo.stdout).toMatch(/^image +keypoints +first +cached +speed-up\n.*×\n$/);

  const bad = path.join(folder, 'a-bad.png');
  writeFileSync(bad, 'no image');
  const mixed = await run('demo', bad, file, '--runs', '1', '--json');
  expect(mixed).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^✗ a-bad\.png: INVALID_IMAGE: .*\n$/),
  });
  expect(JSON.parse(mixed.stdout)).toMatchObject({ file: 'new.png', keypoints: expect.any(Number) });
});

test('classify shows what it recognises, and a bad file stops no other', async () => {
  const bad = path.join(folder, 'bad.png');
  writeFileSync(bad, 'no image');
  const { code, stdout, stderr } = await run('classify', bad, LANDSCAPE);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^docs\/example\/mountains\.jpg: no vehicle\n/);
  expect(stderr).toMatch(/^✗ bad\.png: INVALID_IMAGE: .*\n$/);
  const box = ['--box', '10,20,200,150', '--include', 'explanation', '--json'];
  const { data } = JSON.parse((await run('classify', LANDSCAPE, ...box)).stdout);
  expect(data).toMatchObject({ box_source: 'caller', explanation: { rows: expect.any(Number) } });
  const wrong = await run('classify', LANDSCAPE, '--box', '1,2');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('--box must be');
});

test('a COLMAP database has the images as COLMAP reads them: with the stored pixels, not turned upright', async () => {
  const file = path.join(folder, 'turned.jpg');
  const stored = sharp(await newImage(200, 100)).withMetadata({ orientation: 6 });
  await stored.jpeg({ quality: 95 }).toFile(file);
  const database = path.join(folder, 'turned.db');
  const { code, stderr } = await run('batch', file, '--format', 'colmap', '--database', database);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const connection = new DatabaseSync(database, { readOnly: true });
  const camera = connection.prepare('SELECT width, height FROM cameras').get();
  connection.close();
  expect({ ...camera }).toEqual({ width: 200, height: 100 });
  expect((await run('detect', file)).stdout).toContain('100×200');
  expect((await run('detect', file, '--orientation', 'ignore')).stdout).toContain('200×100');
});

test('jobs are created, listed, shown, followed, cancelled and tried again', async () => {
  const line = `${KNOWN_JOB}  completed  0 of 0 images, 0 cached, 0 failed\n`;
  const create = ['jobs', 'create', '--prefix', '/photos/', '--output', '/results/', '--nfeatures', '9'];
  expect(await run(...create, '--follow')).toEqual({ code: 0, stdout: line, stderr: '' });
  const request =
    jobService.requests
      .find((text) => text.startsWith('POST'))
      ?.split(' ')
      .at(-1) ?? '';
  expect(JSON.parse(request)).toMatchObject({
    source: { prefix: '/photos/' },
    output: '/results/',
    parameters: { nfeatures: 9 },
  });
  const calls = [
    ['list', 'GET', '?'],
    ['show', 'GET', `/${KNOWN_JOB}`],
    ['cancel', 'POST', `/${KNOWN_JOB}/cancel`],
    ['retry-failed', 'POST', `/${KNOWN_JOB}/retry-failed`],
  ] as const;
  for (const [command, method, place] of calls) {
    const { code, stdout } = await run('jobs', command, ...(command === 'list' ? [] : [KNOWN_JOB]));
    expect({ code, stdout }, command).toEqual({ code: 0, stdout: line });
    expect(jobService.requests.at(-1), command).toContain(`${method} /v1/jobs${place}`);
  }
  const unknown = await run('jobs', 'show', 'job-000000000-00000000', '--json');
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NOT_FOUND') });
  expect((await run('jobs', 'create', '--output', '/results/')).code).toBe(2);
});

test('keys are created, listed and revoked', async () => {
  const keys = (...parameters: string[]) =>
    startCommandLine(proxy.url, ['keys', ...parameters], stack.redisEnvironment).ended;
  const made = await keys('create', '--scope', 'read', '--name', 'a test');
  const key = made.stdout.trim().split('\n').at(-1) ?? '';
  const id = key.split('_')[1] ?? '';
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(key).toMatch(/^es_[0-9a-f]{12}_/);
  expect((await keys('revoke', id)).stdout).toContain(`${id} is revoked`);
  expect((await keys('list')).stdout).toMatch(new RegExp(`es_${id}_….*revoked.*a test`));
  expect((await run('keys', 'list')).code).toBe(2);
});

test('match says how two images relate and draws them side by side', async () => {
  const image = await newImage(320, 240);
  const [left, right, drawing] = ['left.png', 'right.jpg', 'drawn/matches.png'].map((name) =>
    path.join(folder, name),
  );
  if (!left || !right || !drawing) throw new Error('no names');
  writeFileSync(left, image);
  await sharp(image).rotate(90).jpeg({ quality: 95 }).toFile(right);
  const { code, stdout } = await run('match', left, right, '--draw', drawing);
  expect(code).toBe(0);
  expect(stdout).toMatch(/inliers +\d{2,}/);
  expect(stdout).toContain('homography');
  const { width, height, channels } = await sharp(drawing).metadata();
  expect([width, height, channels]).toEqual([560, 320, 3]);

  const other = path.join(folder, 'other.webp');
  await sharp(image).webp({ lossless: true }).toFile(other);
  const undrawn = await run('match', left, other, '--draw', drawing);
  expect(undrawn).toMatchObject({
    code: 2,
    stdout: '',
    stderr: '✗ Only JPEG and PNG images can be drawn.\n',
  });
});

test('the exit code distinguishes a wrong command from a service that is not there', async () => {
  // It tries for some seconds.
  const toNowhere = runCommandLine('http://127.0.0.1:9', 'batch', '.', '--out', path.join(folder, 'x'));
  for (const parameters of [
    ['batch', folder],
    ['detect', 'missing.jpg'],
    ['nonsense'],
    ['detect', '--url', 'x', '.'],
    ['detect', LANDSCAPE, '--nfeatures', '-1'],
    ['match', 'missing.jpg', LANDSCAPE],
  ]) {
    const wrong = await run(...parameters);
    expect(wrong.code, parameters.join(' ')).toBe(2);
    expect(wrong.stderr.split('\n').length, parameters.join(' ')).toBeLessThanOrEqual(3);
  }
  const nowhere = await toNowhere;
  expect(nowhere.code).toBe(3);
  expect(nowhere.stderr).toMatch(/^✗ CONNECTION_FAILED: /);
});

test('a closed pipe is quiet', async () => {
  const file = path.join(folder, 'piped.png');
  writeFileSync(file, await newImage(320, 240));
  const { code, stdout, stderr } = await pipeCommandLine(
    proxy.url,
    'head -c 9',
    'detect',
    file,
    '--include',
    'all',
    '--json',
  );
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{"file":"', stderr: '' });
});
