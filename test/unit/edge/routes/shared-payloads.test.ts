import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { featureKeyOfSummary, payloadKey, summaryKey } from '../../../../shared/records/feature-records.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

// Payloads in Redis: written by the origin, read by an isolate that has not computed them.
let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => {
  vi.restoreAllMocks();
  return ports.close();
});

/** Uploads to an isolate without memory; gives the payload, and where it came from. */
async function payload() {
  ports.startIsolate();
  const body = new FormData();
  body.append('image', new File([ownImage('png-rgb.png')], 'a.png'));
  const headers = { accept: 'application/vnd.safetensors' };
  const response = await ports.request('/api/v1/features/detect', { method: 'POST', body, headers });
  expect(response.status).toBe(200);
  const bytes = Buffer.from(await response.arrayBuffer());
  await ports.settled();
  return { bytes, from: response.headers.get('x-cache'), key: await onlyKey() };
}

/** The key of the one result in Redis. */
async function onlyKey(): Promise<string> {
  const found = await ports.redis(['SCAN', '0', 'MATCH', summaryKey('*'), 'COUNT', '100']);
  const [[, [summary]]] = z.tuple([z.tuple([z.string(), z.tuple([z.string()])])]).parse(found);
  return featureKeyOfSummary(summary);
}

test('another isolate gets the bytes that the origin computed', async () => {
  const computed = await payload();
  expect(computed.from).toBe('MISS');
  expect(await ports.redis(['STRLEN', payloadKey(computed.key, 0)])).toEqual([computed.bytes.length]);
  expect(await payload()).toEqual({ ...computed, from: 'HIT redis' });
});

test.each(['missing', 'cut', 'not a payload', 'of a version before, as base64'])(
  'a payload that is %s is a miss with a line in the log, and is replaced',
  async (fault) => {
    const computed = await payload();
    const { key } = computed;
    const place = payloadKey(key, 0);
    const base64 = computed.bytes.toString('base64');
    if (fault === 'missing' || fault.startsWith('of a version')) await ports.redis(['DEL', place]);
    if (fault === 'cut') await ports.redis(['SET', place, computed.bytes.toString('latin1').slice(0, 100)]);
    if (fault === 'not a payload') await ports.redis(['SET', place, 'another payload']);
    if (fault.startsWith('of a version')) await ports.redis(['SET', `features:${key}:payload:0`, base64]);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(await payload()).toEqual(computed);
    expect(warn.mock.calls.join()).toContain('cache record damaged or without its payload');
    expect(await ports.redis(['EXISTS', place, summaryKey(key)])).toEqual([2]);
    expect(await payload()).toEqual({ ...computed, from: 'HIT redis' });
  },
);
