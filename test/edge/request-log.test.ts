import { expect, test } from 'vitest';
import { startDenoEdge } from '../fixtures/deno-edge.ts';
import { until } from '../fixtures/until.ts';

/** Nothing behind it: what is logged does not depend on that. */
const ENVIRONMENT = {
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
  UPSTASH_REDIS_REST_TOKEN: 'token',
  ORIGIN_URL: 'http://127.0.0.1:1',
  ORIGIN_SECRET: 'a secret of more than 32 characters',
  EXTRACTOR: 'opencv-sift@4.6.0-avx2',
};

function linesOf(edge: { log: readonly string[] }): Record<string, unknown>[] {
  const lines = edge.log.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return lines.filter(({ event }) => event === 'request');
}

test('one line of JSON per request says what a search in the log needs', async () => {
  const edge = await startDenoEdge({ ...ENVIRONMENT, LOG_SAMPLE_RATE: '1' });
  try {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    await fetch(`${edge.url}/nothing?secret=1`, { headers: { 'x-request-id': 'logged', traceparent } });
    await until('it is logged', () => linesOf(edge).some((line) => line.request_id === 'logged'));
    const [line, ...others] = linesOf(edge).filter((candidate) => candidate.request_id === 'logged');
    expect(others).toEqual([]);
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      service: 'edge',
      event: 'request',
      request_id: 'logged',
      trace_id: traceId,
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      method: 'GET',
      path: '/nothing',
      status: 404,
      duration_ms: expect.any(Number),
      outcome: 'other',
      region: 'local',
    });
  } finally {
    await edge.stop();
  }
});

test('with a sample rate of 0 only failures have a line', async () => {
  const edge = await startDenoEdge({ ...ENVIRONMENT, LOG_SAMPLE_RATE: '0' });
  try {
    await fetch(`${edge.url}/health/live`);
    await fetch(`${edge.url}/nothing`);
    expect((await fetch(`${edge.url}/health`)).status).toBe(503);
    await until('the failure is logged', () => linesOf(edge).length > 0);
    expect(linesOf(edge).map(({ path, status }) => ({ path, status }))).toEqual([
      { path: '/health', status: 503 },
    ]);
  } finally {
    await edge.stop();
  }
});
