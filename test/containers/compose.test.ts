import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { classifyResponseSchema } from '../../shared/contract/vehicles.ts';
import { newImage } from '../fixtures/images.ts';
import { until } from '../fixtures/until.ts';
import { ensureBaseImages } from './base-images.ts';
import { buildah } from './buildah.ts';
import { run } from './command.ts';
import { buildImage, Deployment, imageOf, inspectImage, type RunningService, stop } from './deployment.ts';

// Builds images for minutes and needs root: `npm run test:containers`.
const canRun = process.env.EDGESIFT_CONTAINERS === '1';
if (!canRun) process.stderr.write('SKIPPED: images and docker-compose.yml; npm run test:containers\n');

const MINUTE_MS = 60_000;
const TARGETS = ['edge', 'origin', 'redis-gateway'];

const detectSchema = z.object({ success: z.literal(true), keypoints: z.number(), cached: z.boolean() });

describe.skipIf(!canRun)('docker-compose.yml', () => {
  const jobsData = path.join(tmpdir(), `edgesift-jobs-${process.pid}`);
  const deployment = new Deployment({
    ORIGIN_SECRET: 'a secret of the test with 32 characters',
    REDIS_REST_TOKEN: 'a-token-of-the-test',
    // As docs/bulk-jobs.md says for the profile jobs.
    JOBS_URL: 'http://job-service:8070',
    JOBS_DATA: jobsData,
  });
  let origins: RunningService[] = [];
  const services = new Map<string, RunningService>();
  let url = '';

  const service = (target: string): RunningService => {
    const found = services.get(target);
    if (found === undefined) throw new Error(`${target} does not run`);
    return found;
  };

  /** Containers start slowly where processors are few. */
  const ready = async (address: string) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await until(`${address} responds`, async () => {
          const response = await fetch(address).catch(() => undefined);
          return response?.ok ?? false;
        });
      } catch (error) {
        if (attempt === 4) throw error;
      }
    }
  };

  const post = async (route: string, image: Uint8Array<ArrayBuffer>): Promise<unknown> => {
    // The content decides which format it is.
    const headers = { 'content-type': 'image/png' };
    const response = await fetch(url + route, { method: 'POST', headers, body: image });
    return response.json();
  };
  const detect = async (image: Uint8Array<ArrayBuffer>) =>
    detectSchema.parse(await post('/api/v1/features/detect', image));

  beforeAll(async () => {
    await ensureBaseImages();
    for (const target of TARGETS) await buildImage(target);
    // Not root's: user 1000 reads and writes here.
    mkdirSync(jobsData);
    chmodSync(jobsData, 0o777);
    const both = { nats: 1, 'job-service': 1, worker: 1 };
    await deployment.open({ redis: 1, 'redis-gateway': 1, origin: 2, 'load-balancer': 1, edge: 1, ...both });
    await deployment.startRedis();
    await deployment.startNats();
    for (const name of ['redis-gateway', 'origin', 'job-service', 'worker']) {
      const started = await deployment.startFromImage(name);
      if (name === 'origin') origins = started;
      for (const running of started) services.set(name, running);
    }
    for (const { host } of origins) await ready(`http://${host.address}:8080/health/ready`);
    await deployment.startLoadBalancer();
    for (const edge of await deployment.startFromImage('edge')) {
      services.set('edge', edge);
      url = `http://${edge.host.address}:8787`;
    }
    await ready(`${url}/health`);
    const health: unknown = await (await fetch(`${url}/health`)).json();
    expect(health).toMatchObject({ status: 'healthy', cache_connected: true });
  }, 40 * MINUTE_MS);

  afterAll(async () => {
    await deployment.close();
    rmSync(jobsData, { recursive: true, force: true });
  }, 2 * MINUTE_MS);

  const mountains = () =>
    new Uint8Array(readFileSync(new URL('../../docs/example/mountains.jpg', import.meta.url)));

  test('the example has the keypoints that the README shows', async () => {
    expect(await detect(mountains())).toMatchObject({ keypoints: 3189 });
  });

  test('the vehicle model is in the image of the origin', async () => {
    const registry = await deployment.execute(service('origin'), 'cat', 'models/vehicles/registry.json');
    const { data } = classifyResponseSchema.parse(await post('/api/vehicle/classify', mountains()));
    expect(data.is_vehicle).toBe(false);
    expect(registry).toContain(data.classifier.sha256);
  });

  test('with the profile jobs a folder is processed', { timeout: 2 * MINUTE_MS }, async () => {
    const images = path.join(jobsData, 'images');
    mkdirSync(images);
    writeFileSync(path.join(images, 'mountains.jpg'), mountains());
    await ready(`http://${service('job-service').host.address}:8070/health/ready`);
    const response = await fetch(`${url}/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: { prefix: '/data/images' }, output: '/data/features' }),
    });
    expect(response.status, await response.clone().text()).toBe(202);
    const result = path.join(jobsData, 'features', 'mountains.jpg.safetensors');
    await until('the worker has written the result', () => existsSync(result));
    expect(readFileSync(result).length).toBeGreaterThan(3189 * 128);
  });

  test('an image sent to the edge is extracted by an origin and stored in Redis', async () => {
    const image = await newImage(640, 480);
    const first = await detect(image);
    expect(first).toMatchObject({ cached: false });
    expect(first.keypoints).toBeGreaterThan(100);
    expect(await detect(image)).toEqual({ ...first, cached: true });
    const [redis] = deployment.hostsOf('redis');
    await until('Redis holds the result', async () => {
      const size = await run('redis-cli', ['-h', redis?.address ?? '', 'dbsize']);
      return Number.parseInt(size, 10) > 0;
    });
  });

  test('the pages are in the image of the edge', async () => {
    for (const page of ['/', '/docs', '/openapi.json']) {
      const response = await fetch(url + page);
      expect(response.status, page).toBe(200);
      expect((await response.text()).length).toBeGreaterThan(400);
    }
  });

  test.each(TARGETS)('%s runs as an ordinary user, and its health check passes', async (target) => {
    const { healthCheck, user } = await inspectImage(target);
    expect(user).toBe('1000:1000');
    expect(await deployment.execute(service(target), 'id', '-u')).toBe('1000');
    if (target !== 'edge') expect(await deployment.execute(service(target), 'id', '-un')).toBe('node');
    await deployment.execute(service(target), ...healthCheck);
  });

  test('the commands for administration run in the image of the gateway', async () => {
    const settings = ['env', 'REDIS_REST_TOKEN=a-token-of-the-test'];
    const list = await deployment.execute(
      service('redis-gateway'),
      ...[...settings, 'node', 'administration/keys.ts', 'list'],
    );
    expect(list).toBe('There are no keys.');
  });

  test('images hold what they need and nothing else', async () => {
    const sizes = new Map<string, number>();
    for (const target of TARGETS) {
      const [image] = z
        .array(z.object({ size: z.string() }))
        .parse(JSON.parse(await buildah('images', '--json', imageOf(target))));
      sizes.set(target, Number.parseFloat(image?.size ?? ''));
    }
    // OpenCV's packages bring them, and nothing calls them.
    const libraries = await deployment.execute(
      service('origin'),
      'ls',
      `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
    );
    expect(libraries).not.toMatch(/libLLVM|libicudata/);
    process.stdout.write(`image sizes in MB: ${JSON.stringify(Object.fromEntries(sizes))}\n`);
    const edgeFiles = await deployment.execute(service('edge'), 'ls', '/edgesift', '/usr/local/bin');
    expect(edgeFiles).not.toMatch(/node/);
    for (const target of ['origin', 'redis-gateway']) {
      const packages = await deployment.execute(service(target), 'ls', 'node_modules', 'node_modules/@img');
      expect(packages.split('\n')).toContain('fastify');
      expect(packages).not.toMatch(/typescript|vitest|workerd|wrangler|esbuild|darwin|win32|musl/);
    }
  });

  test('an origin that ends is replaced by the other', async () => {
    const [first] = origins;
    if (first === undefined) throw new Error('no origin runs');
    await stop(first, 'SIGKILL');
    await until('the load balancer knows', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, async () => detect(await newImage())),
      );
      return results.every(({ status }) => status === 'fulfilled');
    });
  });

  test('a stop by SIGTERM ends every process by itself', { timeout: MINUTE_MS }, async () => {
    // The exit code would be buildah's own, which fails where another of its processes still has the container mounted.
    for (const name of ['edge', 'origin', 'redis-gateway', 'job-service', 'worker']) {
      await stop(service(name), 'SIGTERM');
    }
  });
});
