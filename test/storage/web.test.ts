import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowing, isPublicAddress, parseNetwork } from '../../origin/storage/public-address.ts';
import { Web } from '../../origin/storage/web.ts';
import { CERTIFICATE, type HttpsServer, startHttpsServer } from '../fixtures/https-server.ts';
import { failureOf } from './behaviours.ts';

let server: HttpsServer;
let requests: string[];
const isAllowed = allowing(['127.0.0.1/32', '::1/128'].map(parseNetwork));
const web = new Web({ timeoutMs: 2_000, isAllowed, ca: CERTIFICATE });
const guarded = new Web({ timeoutMs: 2_000, ca: CERTIFICATE });

const get = (path: string, from = web, maxBytes = 100) => {
  const url = new URL(path, server.url);
  return from.getImage(url, maxBytes, new AbortController().signal);
};

const PATHS: Record<string, (response: ServerResponse) => void> = {
  '/image': (response) => response.setHeader('content-type', 'image/png').end('image'),
  '/page': (response) => response.setHeader('content-type', 'text/html').end('page'),
  '/large': (response) => response.write('x'.repeat(200)) && response.end(),
  '/announced': (response) => response.setHeader('content-length', 200).end('x'.repeat(200)),
  '/slow': (response) => void response.write('x'),
  '/broken': (response) => response.writeHead(503).end(),
  '/moved': (response) => response.writeHead(302, { location: '/image' }).end(),
  '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
  '/to-http': (response) => response.writeHead(302, { location: 'http://localhost/' }).end(),
  '/to-metadata': (response) => response.writeHead(302, { location: 'https://169.254.169.254/' }).end(),
  '/to-private': (response) => response.writeHead(302, { location: 'https://10.0.0.1/' }).end(),
};

beforeAll(async () => {
  server = await startHttpsServer((request, response) => {
    requests.push(request.url ?? '');
    const respond = PATHS[request.url ?? ''] ?? ((other) => other.writeHead(404).end());
    respond(response);
  });
  requests = [];
});
afterAll(() => server?.stop());

test('fetches an image, after redirects too', async () => {
  expect(new TextDecoder().decode(await get('/image'))).toBe('image');
  expect(new TextDecoder().decode(await get('/moved'))).toBe('image');
});

test.each([
  ['/nothing', 'not_found'],
  ['/page', 'invalid'],
  ['/large', 'too_large'],
  ['/announced', 'too_large'],
  ['/slow', 'unavailable'],
  ['/broken', 'unavailable'],
  ['/loop', 'invalid'],
  ['/to-http', 'forbidden'],
  ['/to-metadata', 'forbidden'],
  ['/to-private', 'forbidden'],
] as const)('does not take %s: %s', async (path, failure) => {
  expect(await failureOf(get(path))).toBe(failure);
});

test('never connects to an address that is not public, by number or by name', async () => {
  requests = [];
  const port = new URL(server.url).port;
  const hosts = ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0'];
  for (const host of hosts) {
    expect(await failureOf(get(`https://${host}:${port}/image`, guarded)), host).toBe('forbidden');
  }
  expect(await failureOf(guarded.post(new URL(server.url), {}, 'a webhook'))).toBe('forbidden');
  expect(requests).toEqual([]);
});

test.each([
  ['93.184.215.14', true],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.16.0.1', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['100.64.0.1', false],
  ['0.0.0.0', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['::', false],
  ['::1', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['::ffff:10.0.0.1', false],
  ['64:ff9b::a00:1', false],
  ['2002:a00:1::', false],
])('%s is public: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

test('gives up when nobody waits any more', async () => {
  const reason = new Error('cancelled');
  const controller = new AbortController();
  const fetching = web.getImage(new URL('/slow', server.url), 100, controller.signal);
  setTimeout(() => controller.abort(reason), 100);
  await expect(fetching).rejects.toBe(reason);
});
