import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
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
  const deployment = new Deployment({
    ORIGIN_SECRET: 'a secret of the test, 32 characters',
    REDIS_REST_TOKEN: 'a token of the test',
  });
  let origins: RunningService[] = [];
  const services = new Map<string, RunningService>();
  let url = '';

  const service = (target: string): RunningService => {
    const found = services.get(target);
    if (found === undefined) throw new Error(`${target} does not run`);
    return found;
  };

  const ready = async (address: string) => {
    await until(`${address} responds`, async () => {
      const response = await fetch(address).catch(() => undefined);
      return response?.ok ?? false;
    });
  };

  const detect = async (image: Uint8Array<ArrayBuffer>) => {
    const response = await fetch(`${url}/api/v1/features/detect`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: image,
    });
    return detectSchema.parse(await response.json());
  };

  beforeAll(async () => {
    await ensureBaseImages();
    for (const target of TARGETS) await buildImage(target);
    await deployment.open({ redis: 1, 'redis-gateway': 1, origin: 2, 'load-balancer': 1, edge: 1 });
    await deployment.startRedis();
    for (const name of ['redis-gateway', 'origin']) {
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
    await until('the whole service is healthy', async () => {
      const response = await fetch(`${url}/health`).catch(() => undefined);
      return (
        z.object({ status: z.string() }).parse(await response?.json().catch(() => ({ status: '' })))
          .status === 'healthy'
      );
    });
  }, 25 * MINUTE_MS);

  afterAll(() => deployment.close(), 2 * MINUTE_MS);

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
      expect((await response.text()).length).toBeGreaterThan(1000);
    }
  });

  test.each(TARGETS)('%s runs as an ordinary user, and its health check passes', async (target) => {
    const { healthCheck, user } = await inspectImage(target);
    expect(user).toBe('1000:1000');
    expect(await deployment.execute(service(target), 'id', '-u')).toBe('1000');
    await deployment.execute(service(target), ...healthCheck);
  });

  test('the commands for administration run in the image of the gateway', async () => {
    const settings = ['env', 'REDIS_REST_TOKEN=a token of the test'];
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
    await stop(first.child, 'SIGKILL');
    await until('the load balancer knows', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, async () => detect(await newImage())),
      );
      return results.every(({ status }) => status === 'fulfilled');
    });
  });

  test('a stop by SIGTERM ends every process by itself', async () => {
    for (const name of ['edge', 'origin', 'redis-gateway']) {
      const code = await stop(service(name).child, 'SIGTERM');
      expect(code === null || code === 0 || code === 143, `${name} ended with ${code}`).toBe(true);
    }
  });
});
