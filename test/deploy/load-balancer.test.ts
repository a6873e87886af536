import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findExecutable } from '../../tools/set-up/executables.ts';
import { findFreePort } from '../fixtures/free-port.ts';
import { until } from '../fixtures/until.ts';
import { type NameServer, startNameServer } from './name-server.ts';

// Debian keeps it outside an ordinary user's PATH.
const haproxy = findExecutable('haproxy', '../sbin/haproxy');
const canRun = haproxy !== undefined && process.platform === 'linux';
if (!canRun)
  process.stderr.write('SKIPPED: tests of deploy/load-balancer/haproxy.cfg, which need Linux and haproxy\n');

const responseSchema = z.object({ address: z.string(), bytes: z.number() });

/** Stands for an origin: responds with its own address; stalls or hangs up where the request's path says so. */
class Origin {
  readonly address: string;
  readonly #port: number;
  readonly #server: Server;
  isReady = true;
  received = 0;
  abandoned = 0;

  constructor(address: string, port: number) {
    this.address = address;
    this.#port = port;
    this.#server = createServer(async (request, response) => {
      if (request.url === '/health/ready') {
        response.writeHead(this.isReady ? 200 : 503).end();
        return;
      }
      this.received += 1;
      response.on('close', () => {
        if (!response.writableFinished) this.abandoned += 1;
      });
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      if (request.url === '/hang-up') request.socket.destroy();
      else if (request.url !== '/stall') response.end(JSON.stringify({ address, bytes }));
    });
  }

  async start(): Promise<void> {
    this.#server.listen(this.#port, this.address);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

describe.skipIf(!canRun)('load balancer', () => {
  const images = Array.from({ length: 91 }, (_, index) => `sha-256=:image ${index}:`);
  let first: Origin;
  let second: Origin;
  let third: Origin;
  let names: NameServer;
  let addresses: string[];
  let url: string;
  let statusUrl: string;
  let directory: string;
  let child: ChildProcess;

  beforeAll(async () => {
    const originPort = await findFreePort();
    first = new Origin('127.0.0.2', originPort);
    second = new Origin('127.0.0.3', originPort);
    third = new Origin('127.0.0.4', originPort);
    await Promise.all([first, second, third].map((origin) => origin.start()));
    addresses = [first.address, second.address];
    names = await startNameServer(() => addresses);
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    const statusPort = await findFreePort();
    statusUrl = `http://127.0.0.1:${statusPort}`;

    const template = await readFile(
      new URL('../../deploy/load-balancer/haproxy.cfg', import.meta.url),
      'utf8',
    );
    const configuration = [
      ['parse-resolv-conf', `nameserver test 127.0.0.1:${names.port}`],
      ['bind :8080', `bind 127.0.0.1:${port}`],
      ['bind :8405', `bind 127.0.0.1:${statusPort}`],
    ].reduce((text, [from = '', to = '']) => {
      expect(text).toContain(from);
      return text.replace(from, to);
    }, template);
    directory = await mkdtemp(path.join(tmpdir(), 'haproxy-'));
    const file = path.join(directory, 'haproxy.cfg');
    await writeFile(file, configuration);
    child = spawn(haproxy ?? '', ['-db', '-f', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ORIGINS: `origin:${originPort}` },
    });
    await until('both origins are in use', async () => {
      return new Set((await placement().catch(() => new Map<string, string>())).values()).size === 2;
    });
  });

  afterAll(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    names.close();
    await Promise.all([first, second, third].map((origin) => origin.stop()));
    await rm(directory, { recursive: true });
  });

  async function post(
    image: string,
    pathname = '/v1/extract',
    body: Uint8Array<ArrayBuffer> = new Uint8Array(9),
  ) {
    return fetch(url + pathname, { method: 'POST', headers: { 'content-digest': image }, body });
  }

  async function postOk(image: string, body?: Uint8Array<ArrayBuffer>) {
    const response = await post(image, undefined, body);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return responseSchema.parse(await response.json());
  }

  /** Which origin each image meets. */
  async function placement(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const image of images) found.set(image, (await postOk(image)).address);
    return found;
  }

  function imagesAt(origin: Origin, found: Map<string, string>): string[] {
    return images.filter((image) => found.get(image) === origin.address);
  }

  const received = () => first.received + second.received + third.received;
  const abandoned = () => first.abandoned + second.abandoned + third.abandoned;

  test('probes and Prometheus are served beside the origins', async () => {
    expect((await fetch(`${statusUrl}/health`)).status).toBe(200);
    const metrics = await (await fetch(`${statusUrl}/metrics`)).text();
    expect(metrics).toContain('haproxy_backend_http_responses_total{proxy="origins",code="5xx"}');
  });

  test('one image always meets the same origin, and every origin has its share', async () => {
    const found = await placement();
    expect(await placement()).toEqual(found);
    expect(imagesAt(first, found).length).toBeGreaterThan(images.length / 5);
    expect(imagesAt(second, found).length).toBeGreaterThan(images.length / 5);
  });

  test('an origin that dies has its images served by the others, and gets them back', async () => {
    const before = await placement();
    await first.stop();
    const meanwhile = await placement();
    expect(imagesAt(second, meanwhile)).toEqual(images);
    await first.start();
    await until(
      'the first origin is in use again',
      async () => imagesAt(first, await placement()).length > 0,
    );
    expect(await placement()).toEqual(before);
  });

  test('an origin that is not ready gets nothing', async () => {
    first.isReady = false;
    await until(
      'the first origin is left alone',
      async () => imagesAt(first, await placement()).length === 0,
    );
    first.isReady = true;
    await until(
      'the first origin is in use again',
      async () => imagesAt(first, await placement()).length > 0,
    );
  });

  test('a new replica is found while running, and takes over images only for itself', async () => {
    const before = await placement();
    addresses.push(third.address);
    await until('the third origin is in use', async () => imagesAt(third, await placement()).length > 0);
    const after = await placement();
    const moved = images.filter((image) => before.get(image) !== after.get(image));
    expect(moved).toEqual(imagesAt(third, after));
    expect(moved.length).toBeLessThan((images.length * 2) / 3);
  });

  test('an upload of 10 MiB passes', async () => {
    const { bytes } = await postOk('sha-256=:large:', new Uint8Array(10 * 1024 * 1024));
    expect(bytes).toBe(10 * 1024 * 1024);
  });

  test('an extraction that an origin has begun is not sent to another one', async () => {
    const before = received();
    // HAProxy before 3 just hangs up in its turn where the connection from the edge was used before.
    const status = await post('sha-256=:crash:', '/hang-up').then(
      (response) => response.status,
      () => 502,
    );
    expect(status).toBe(502);
    expect(received()).toBe(before + 1);
  });

  test('an edge that hangs up is noticed by the origin', async () => {
    const [receivedBefore, abandonedBefore] = [received(), abandoned()];
    const leave = new AbortController();
    const response = fetch(`${url}/stall`, { method: 'POST', body: 'image', signal: leave.signal });
    const failed = expect(response).rejects.toThrow();
    await until('the origin has the request', () => received() > receivedBefore);
    leave.abort();
    await failed;
    await until('the origin notices', () => abandoned() > abandonedBefore);
  });
});
