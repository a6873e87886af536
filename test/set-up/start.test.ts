import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { fromRoot } from '../../tools/project-root.ts';
import { findFreePort } from '../fixtures/free-port.ts';
import { startRedisOverHttp } from '../fixtures/redis-over-http.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

const VARIABLES = ['PORT', 'ORIGIN_PORT', 'REDIS_REST_PORT'] as const;
type Ports = Record<(typeof VARIABLES)[number], string>;

interface Started {
  readonly ports: Ports;
  readonly child: ChildProcess;
  /** All it has written so far. */
  output(): string;
  /** Exit code, when it has ended. */
  ended(): Promise<unknown>;
}

const responseSchema = z.object({ keypoints: z.number() });

const started: ChildProcess[] = [];
let listener: Server | undefined;

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  listener?.close();
});

test('serves features of the image in the command it prints, until SIGTERM', async () => {
  const service = await start();
  await untilServing(service);

  const [, file = '', url = ''] = /curl -F image=@(\S+) (\S+)/.exec(service.output()) ?? [];
  const image = new Blob([await readFile(fromRoot(file))]);
  const responses = await Promise.all([upload(url, image), upload(url, image)]);
  expect(responses).toEqual([
    { status: 200, keypoints: expect.any(Number) },
    { status: 200, keypoints: responses[0]?.keypoints },
  ]);
  expect(responses[0]?.keypoints).toBeGreaterThan(0);

  service.child.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
  for (const variable of VARIABLES) expect(await isFree(Number(service.ports[variable]))).toBe(true);
});

test('keeps results in the Redis that UPSTASH_REDIS_REST_URL names, and starts none', async () => {
  const redis = await startRedisOverHttp();
  try {
    const service = await start({ UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token });
    await untilServing(service);
    const image = new Blob([await readFile(fromRoot('docs', 'example', 'mountains.jpg'))]);
    await upload(`http://127.0.0.1:${service.ports.PORT}/api/v1/features/detect`, image);
    await vi.waitFor(async () => {
      const [keys] = await redis.client.pipeline((pipeline) => pipeline.keys('features:*:summary'), 1_000);
      expect(keys).toHaveLength(1);
    });
    expect(await isFree(Number(service.ports.REDIS_REST_PORT))).toBe(true);
  } finally {
    await redis.stop();
  }
});

test('ends with code 0 on SIGINT, even when it comes more than once', () => endsWithZeroOn('SIGINT'));
test.runIf(IS_THOROUGH)(inThorough('ends with code 0 on SIGHUP, even when it comes more than once'), () =>
  endsWithZeroOn('SIGHUP'),
);

async function endsWithZeroOn(signal: NodeJS.Signals): Promise<void> {
  const service = await start();
  await untilServing(service);
  service.child.kill(signal);
  service.child.kill(signal);
  expect(await service.ended()).toBe(0);
}

test.each(VARIABLES)('names the port and %s when the port is in use', async (variable) => {
  const port = await findFreePort();
  listener = createServer().listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const service = await start({ [variable]: String(port) });
  expect(await service.ended()).toBe(1);
  expect(service.output()).toContain(`Port ${port} is in use`);
  expect(service.output()).toContain(`${variable}=`);
});

test('lists every setting that cannot be used', async () => {
  const service = await start({ PORT: 'http', ORIGIN_PORT: '70000' });
  expect(await service.ended()).toBe(1);
  expect(service.output()).toContain('PORT must be a whole number from 1 to 65535');
  expect(service.output()).toContain('ORIGIN_PORT must be a whole number from 1 to 65535');
});

test('says that Upstash takes a token, too', async () => {
  const service = await start({ UPSTASH_REDIS_REST_URL: 'https://redis.example' });
  expect(await service.ended()).toBe(1);
  expect(service.output()).toContain('UPSTASH_REDIS_REST_TOKEN is needed with UPSTASH_REDIS_REST_URL');
});

test('says which part has crashed, stops the others and fails', async () => {
  const service = await start();
  await untilServing(service);
  process.kill(pidOfGateway(service), 'SIGKILL');
  expect(await service.ended()).toBe(1);
  expect(service.output()).toContain('Redis gateway ended by itself (SIGKILL)');
  for (const variable of VARIABLES) expect(await isFree(Number(service.ports[variable]))).toBe(true);
});

async function start(settings: Record<string, string> = {}): Promise<Started> {
  const ports = { ...(await freePorts()), ...settings };
  const child = spawn(process.execPath, [fromRoot('tools', 'start.ts')], {
    cwd: fromRoot(),
    env: { ...process.env, INIT_CWD: fromRoot(), ORIGIN_THREADS: '1', ...ports },
  });
  started.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  const closed = once(child, 'close');
  return { ports, child, output: () => text, ended: async () => (await closed)[0] };
}

async function untilServing({ output }: Started): Promise<void> {
  await vi.waitFor(() => expect(output()).toContain('serving on'), { timeout: 30_000, interval: 100 });
}

async function upload(url: string, image: Blob): Promise<{ status: number; keypoints: number }> {
  const form = new FormData();
  form.set('image', image, 'image.jpg');
  const response = await fetch(url, { method: 'POST', body: form });
  const { keypoints } = responseSchema.parse(await response.json());
  return { status: response.status, keypoints };
}

function pidOfGateway({ output }: Started): number {
  return Number(/"service":"redis-gateway","pid":(\d+)/.exec(output())?.[1]);
}

async function freePorts(): Promise<Ports> {
  const [edge, origin, gateway] = await Promise.all([findFreePort(), findFreePort(), findFreePort()]);
  return { PORT: String(edge), ORIGIN_PORT: String(origin), REDIS_REST_PORT: String(gateway) };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
