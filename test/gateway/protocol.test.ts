import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { STORES, startTestGateway, type TestGateway, TOKEN } from './gateway-fixture.ts';

/** Each may end with a connection that is cut before the response is read. */
const ATTEMPTS = IS_THOROUGH ? 5 : 2;
const LIMIT = 10 * 1024 * 1024;

describe.each(STORES)('the REST protocol over the %s store', (store) => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway(store);
  });
  afterAll(() => gateway.stop());

  test('runs a command with any content type', async () => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const response = await gateway.post('/', ['set', 'key', 1], { 'Content-Type': type });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ result: 'OK' });
    }
    expect(await (await gateway.post('/', ['GET', 'key'])).json()).toEqual({ result: '1' });
  });

  test('encodes every string but a plain OK as base64 when asked to', async () => {
    const commands = [
      ['set', 'word', 'OK'],
      ['get', 'word'],
      ['mget', 'word', 'none'],
      ['ping'],
      ['sadd', 'set', 'm'],
      ['scan', '0', 'match', 'wor?', 'count', '100'],
    ];
    const response = await gateway.post('/pipeline', commands, { 'Upstash-Encoding': 'base64' });
    expect(await response.json()).toEqual([
      { result: 'OK' },
      { result: 'OK' },
      { result: [base64('OK'), null] },
      { result: base64('PONG') },
      { result: 1 },
      { result: [base64('0'), [base64('word')]] },
    ]);
  });

  test.each([undefined, 'Bearer wrong', `Basic ${TOKEN}`, 'Bearer ', TOKEN])(
    'responds with 401 to the authorization %s',
    async (authorization) => {
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const response = await fetch(gateway.url, { method: 'POST', headers, body: '["ping"]' });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error: 'WRONGPASS invalid or missing auth token' });
    },
  );

  test.each(['', 'no json', '{}', '[]', '[[]]', '[null]', '"get"', '[["get","a"]]'])(
    'responds with 400 to the body %j on /',
    async (body) => {
      const response = await gateway.post('/', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: 'ERR failed to parse command' });
    },
  );

  test.each(['', '[]', '["get","a"]', '[[]]', '[["get","a"],[]]'])(
    'responds with 400 to the body %j on /pipeline and /multi-exec',
    async (body) => {
      for (const path of ['/pipeline', '/multi-exec']) {
        const response = await gateway.post(path, body);
        expect(response.status).toBe(400);
        expect(await response.json()).toEqual({ error: 'ERR failed to parse pipeline request' });
      }
    },
  );

  test('responds with 400 and the error of the store to a single command', async () => {
    const response = await gateway.post('/', ['nosuch', 'a', 'b']);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ",
    });
  });

  test('responds with 200 to a pipeline with an unknown command, and 400 to such a transaction', async () => {
    const commands = [
      ['set', 'k', 'v'],
      ['nosuch', 'x'],
    ];
    const error = "ERR unknown command 'NOSUCH', with args beginning with: 'x' ";
    const pipeline = await gateway.post('/pipeline', commands);
    expect(pipeline.status).toBe(200);
    expect(await pipeline.json()).toEqual([{ result: 'OK' }, { error }]);
    const transaction = await gateway.post('/multi-exec', commands);
    expect(transaction.status).toBe(400);
    expect(await transaction.json()).toEqual({ error });
  });

  test.each(['subscribe', 'blpop', 'multi', 'shutdown', 'select', 'eval', 'fcall'])(
    'refuses %s',
    async (name) => {
      const response = await gateway.post('/', [name, '1', '0']);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: expect.stringMatching(/^ERR (Command is not available|unknown command)/),
      });
      expect(await (await gateway.post('/', ['ping'])).json()).toEqual({ result: 'PONG' });
    },
  );

  test('names the limit and the length to a client that sends more than 10 MiB', async () => {
    const body = JSON.stringify(['set', 'large', 'x'.repeat(LIMIT)]);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const response = await gateway.post('/', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        error: `ERR max request size exceeded. Limit: ${LIMIT} bytes, Actual: ${body.length} bytes`,
      });
    }
  });

  test('names the limit to a client that does not announce a length', async () => {
    const { status, body } = await postChunked(gateway.url, 'x'.repeat(LIMIT + 1));
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toContain(`Limit: ${LIMIT} bytes`);
  });

  test('refuses a response of more than 10 MiB', async () => {
    await gateway.post('/', ['set', 'part', 'x'.repeat(6_000_000)]);
    expect((await gateway.post('/', ['get', 'part'])).status).toBe(200);
    const response = await gateway.post('/', ['mget', 'part', 'part']);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: expect.stringMatching(/^ERR max request size exceeded/),
    });
  });

  describe('SET with a body', () => {
    const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    // With a slash, and longer than the paths of most routes.
    const KEY = `features:a@1/n0 ?é/${'f'.repeat(200)}`;
    const set = (body: Buffer, options = '', headers: Record<string, string> = {}) =>
      fetch(`${gateway.url}/set/${encodeURIComponent(KEY)}${options}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
        body: new Uint8Array(body),
      });
    const run = async (...commands: (string | number)[][]) =>
      (await gateway.post('/pipeline', commands)).json();

    test('stores any bytes, which a look-up gives as base64', async () => {
      const response = await set(BYTES, '?EX=60');
      expect([response.status, await response.json()]).toEqual([200, { result: 'OK' }]);
      const commands = [
        ['mget', KEY, 'none'],
        ['get', KEY],
      ];
      const found = await gateway.post('/pipeline', commands, { 'Upstash-Encoding': 'base64' });
      const encoded = BYTES.toString('base64');
      expect(await found.json()).toEqual([{ result: [encoded, null] }, { result: encoded }]);
      const others = [
        ['strlen', KEY],
        ['type', KEY],
        ['ttl', KEY],
        ['expire', KEY, 90],
        ['ttl', KEY],
      ];
      const results = [256, 'string', 60, 1, 90].map((result) => ({ result }));
      expect(await run(...others)).toEqual(results);
      // Without the header bytes that are not UTF-8 are lost.
      expect(await run(['mget', KEY])).toEqual([{ result: [BYTES.toString()] }]);
    });

    test('gives them as they are in Redis’ own protocol', async () => {
      await set(BYTES, '?EX=60');
      const resp2 = { 'Upstash-Response-Format': 'resp2', 'Upstash-Encoding': 'base64' };
      const found = await gateway.post('/', ['mget', KEY, 'none'], resp2);
      expect(found.headers.get('content-type')).toBe('application/octet-stream');
      const reply = Buffer.concat([Buffer.from('*2\r\n$256\r\n'), BYTES, Buffer.from('\r\n$-1\r\n')]);
      expect(Buffer.from(await found.arrayBuffer())).toEqual(reply);

      const commands = [['set', 'text', 'OK'], ['get', 'text'], ['strlen', KEY], ['incr', 'text'], ['ping']];
      const replies = await (await gateway.post('/pipeline', commands, resp2)).text();
      expect(replies).toBe(
        '+OK\r\n+OK\r\n:256\r\n-ERR value is not an integer or out of range\r\n$4\r\nPONG\r\n',
      );

      const refused = await gateway.post('/', ['incr', KEY], resp2);
      const error = '-ERR value is not an integer or out of range\r\n';
      expect([refused.status, await refused.text()]).toEqual([400, error]);
    });

    test('stores text, and knows the other options', async () => {
      await run(['del', KEY]);
      expect(await (await set(Buffer.from('41'), '?PX=60000&NX')).json()).toEqual({ result: 'OK' });
      expect(await (await set(Buffer.from('7'), '?nx=')).json()).toEqual({ result: null });
      expect(await run(['incr', KEY], ['ttl', KEY])).toEqual([{ result: 42 }, { result: 60 }]);
      expect(await (await set(Buffer.alloc(0), '?GET')).json()).toEqual({ result: '42' });
      expect(await run(['get', KEY], ['ttl', KEY])).toEqual([{ result: '' }, { result: -1 }]);
    });

    test.each([
      ['?EX=0', "ERR invalid expire time in 'set' command"],
      ['?EX=soon', 'ERR value is not an integer or out of range'],
      ['?colour=red', 'ERR syntax error'],
    ])('responds with 400 to %s', async (options, error) => {
      const response = await set(BYTES, options);
      expect([response.status, await response.json()]).toEqual([400, { error }]);
    });

    test('needs the token, and has the limit of every request', async () => {
      expect((await set(BYTES, '', { Authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await set(Buffer.alloc(LIMIT))).status).toBe(200);
      const response = await set(Buffer.alloc(LIMIT + 1));
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        error: `ERR max request size exceeded. Limit: ${LIMIT} bytes, Actual: ${LIMIT + 1} bytes`,
      });
    });
  });

  test('reports its health without a token', async () => {
    const response = await fetch(`${gateway.url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', backend: store });
  });

  test('responds with 404 elsewhere', async () => {
    const response = await gateway.post('/get/a', []);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: expect.stringMatching(/^ERR /) });
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function postChunked(url: string, body: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } },
      async (response) => {
        const chunks = await response.toArray();
        resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() });
      },
    );
    outgoing.on('error', reject);
    outgoing.write(body);
    outgoing.end();
  });
}
