import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { Task } from '../../../origin/jobs/messages.ts';
import { Shadow, type ShadowOptions } from '../../../origin/jobs/shadow.ts';
import {
  type ObservedClassification,
  VehicleMetrics,
} from '../../../origin/observability/vehicle-metrics.ts';

const CHAMPION: ObservedClassification = {
  predictions: {},
  is_vehicle: true,
  vehicle_probability: 1,
  warnings: [],
};
const image = () => ({
  bytes: Uint8Array.of(1, 2, 3),
  sha256: 'a'.repeat(64),
  header: { format: 'png' as const, width: 10, height: 10 },
});

function setUp(changes: Partial<ShadowOptions> = {}, running = 0) {
  const registry = new Registry();
  const tasks: Task[] = [];
  const finished: (() => void)[] = [];
  const run: ShadowOptions['pool']['run'] = async (task) => {
    tasks.push(task);
    await new Promise<void>((resolve) => finished.push(resolve));
    const payload = new TextEncoder().encode(JSON.stringify(CHAMPION));
    return { kind: 'classified', payload, decodeMs: 1, classifyMs: 1, queueMs: 0 };
  };
  const status = {
    queued: 0,
    running,
    threads: 2,
    threadsWarm: 2,
    memoryReserved: 0,
    memoryBudget: 0,
  };
  const shadow = new Shadow({
    pool: { run, status },
    metrics: new VehicleMetrics(registry),
    logger: { warn: () => undefined },
    share: 1,
    timeoutMs: 1000,
    ...changes,
  });
  return { shadow, status, tasks, finished, metrics: () => registry.metrics() };
}

test('the challenger gets a copy of the image, and the agreement is counted', async () => {
  const { shadow, tasks, finished, metrics } = setUp();
  const original = image();
  const chosen = shadow.choose(original, { explained: true });
  original.bytes.fill(0);
  expect(tasks).toEqual([]);
  chosen?.compareWith(CHAMPION);
  expect(tasks).toMatchObject([
    { kind: 'classify', model: 'challenger', bytes: Uint8Array.of(1, 2, 3), options: { explained: false } },
  ]);
  finished[0]?.();
  await expect.poll(metrics).toContain('runs_total{outcome="completed"} 1');
  expect(await metrics()).toContain('agreement_total{attribute="is_vehicle",agrees="true"} 1');
});

test('one image at a time, the next when it is done or dropped', async () => {
  const { shadow, finished } = setUp();
  const first = shadow.choose(image(), { explained: false });
  expect(shadow.choose(image(), { explained: false })).toBeUndefined();
  first?.drop();
  shadow.choose(image(), { explained: false })?.compareWith(CHAMPION);
  expect(shadow.choose(image(), { explained: false })).toBeUndefined();
  finished[0]?.();
  await expect.poll(() => shadow.choose(image(), { explained: false })).toBeDefined();
});

test('where all threads are busy it is skipped, and the image is not copied', async () => {
  const { shadow, metrics } = setUp({}, 2);
  expect(shadow.choose(image(), { explained: false })).toBeUndefined();
  expect(await metrics()).toContain('runs_total{outcome="skipped"} 1');
});

test('where threads became busy before the response was out it is skipped too', async () => {
  const { shadow, status, tasks, metrics } = setUp();
  const chosen = shadow.choose(image(), { explained: false });
  status.running = 2;
  chosen?.compareWith(CHAMPION);
  await expect.poll(metrics).toContain('runs_total{outcome="skipped"} 1');
  expect(tasks).toEqual([]);
});

test('only a share of the images is chosen', () => {
  const { shadow } = setUp({ share: 0.3, random: () => 0.3 });
  expect(shadow.choose(image(), { explained: false })).toBeUndefined();
});

test('a challenger that fails is counted, and ends nothing', async () => {
  const run = async () => {
    throw new Error('no memory');
  };
  const status = {
    queued: 0,
    running: 0,
    threads: 2,
    threadsWarm: 2,
    memoryReserved: 0,
    memoryBudget: 0,
  };
  const { shadow, metrics } = setUp({ pool: { run, status } });
  shadow.choose(image(), { explained: false })?.compareWith(CHAMPION);
  await expect.poll(metrics).toContain('runs_total{outcome="failed"} 1');
});
