import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { fromRoot } from '../../tools/project-root.ts';
import { findFreePort } from '../fixtures/free-port.ts';
import { untilHealthy } from './gateway-fixture.ts';

test('the gateway as a process serves with its token until SIGTERM', async () => {
  const port = await findFreePort();
  const gateway = start({ REDIS_REST_PORT: String(port), REDIS_REST_TOKEN: 'secret' });
  const url = `http://127.0.0.1:${port}`;
  await untilHealthy(url);
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret' },
    body: '["ping"]',
  });
  expect(await response.json()).toEqual({ result: 'PONG' });
  gateway.child.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0 });
});

test('the gateway lists every setting it cannot use', async () => {
  const gateway = start({ REDIS_REST_PORT: 'x', REDIS_URL: 'http://redis', EMBEDDED_STORE_MAX_BYTES: '1' });
  const { code, errors } = await gateway.ended;
  expect(code).toBe(1);
  for (const name of ['REDIS_REST_PORT', 'REDIS_REST_TOKEN', 'REDIS_URL', 'EMBEDDED_STORE_MAX_BYTES']) {
    expect(errors).toContain(`  ${name} `);
  }
});

function start(settings: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [fromRoot('gateway', 'main.ts')], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), child.stderr.toArray()]).then(([[code], chunks]) => ({
    code,
    errors: chunks.join(''),
  }));
  return { child, ended };
}
