import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createApiKey } from '../../../../edge/access/api-key.ts';
import {
  cacheEntryResponseSchema,
  cacheListResponseSchema,
} from '../../../../shared/contract/cache-administration.ts';
import { statsResponseSchema } from '../../../../shared/contract/stats.ts';
import {
  batchClassifyLastLineSchema,
  batchClassifyResponseSchema,
  batchClassifyResultSchema,
  classifyResponseSchema,
  modelsResponseSchema,
  reportResponseSchema,
} from '../../../../shared/contract/vehicles.ts';
import { LAST_DELETION_KEY } from '../../../../shared/records/feature-records.ts';
import { vehicleRecordKey } from '../../../../shared/records/vehicle-records.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const CLASSIFY = '/api/vehicle/classify';
const REPORT = '/api/vehicle/report';
const IMAGE = ownImage('png-rgb.png');
const SHA256 = createHash('sha256').update(IMAGE).digest('hex');

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

const send = (path = CLASSIFY, field = 'file', headers: Record<string, string> = {}) => {
  const body = new FormData();
  body.append(field, new File([IMAGE], 'car.png'));
  return ports.request(path, { method: 'POST', body, headers });
};

test('the first upload is a miss, the second a hit in memory, another isolate finds it in Redis', async () => {
  const miss = await send();
  expect(miss.status).toBe(200);
  expect(miss.headers.get('x-cache')).toBe('MISS');
  const { data } = classifyResponseSchema.parse(await miss.json());
  expect(data).toMatchObject({
    is_vehicle: true,
    cached: false,
    model_version: '7',
    predictions: { make: { predicted_value: 'BMW' } },
    cache: { key: `vehicle@7/auto/${SHA256}`, tier: null },
  });
  await ports.settled();
  expect((await send(CLASSIFY, 'image')).headers.get('x-cache')).toBe('HIT memory');
  ports.startIsolate();
  expect((await send()).headers.get('x-cache')).toBe('HIT redis');
  expect(ports.originRequests).toEqual(['/v1/classify']);
});

test('the raw image is taken too', async () => {
  const response = await ports.request(CLASSIFY, {
    method: 'POST',
    headers: { 'Content-Type': 'image/png' },
    body: IMAGE,
  });
  expect(response.status).toBe(200);
});

test('by hash: not cached, then cached, then unchanged', async () => {
  const path = `/api/vehicle/${SHA256}`;
  const missing = await ports.request(path);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error_code: 'NOT_FOUND' });
  await send();
  await ports.settled();
  const found = await ports.request(path);
  expect(found.status).toBe(200);
  classifyResponseSchema.parse(await found.json());
  const etag = found.headers.get('etag') ?? '';
  expect((await ports.request(path, { headers: { 'If-None-Match': etag } })).status).toBe(304);
  expect((await ports.request(path, { method: 'HEAD' })).status).toBe(200);
  expect((await ports.request('/api/vehicle/no-hash')).status).toBe(400);
});

test('what Redis has lost by itself is found in memory, and what was deleted is not', async () => {
  const path = `/api/vehicle/${SHA256}`;
  const { data } = classifyResponseSchema.parse(await (await send()).json());
  await ports.settled();
  await ports.redis(['DEL', vehicleRecordKey(data.cache.key)]);
  const minuteLater = Date.now() + 61_000;
  const clock = vi.spyOn(Date, 'now').mockReturnValue(minuteLater);
  expect((await ports.request(path)).headers.get('x-cache')).toBe('HIT memory');
  await ports.redis(['SET', LAST_DELETION_KEY, String(minuteLater)]);
  clock.mockReturnValue(minuteLater + 61_000);
  expect((await ports.request(path)).status).toBe(404);
  clock.mockRestore();
});

test('a box is another result, and what is no box is refused', async () => {
  await send();
  const boxed = classifyResponseSchema.parse(await (await send(`${CLASSIFY}?box=1,2,30,20`)).json());
  expect(boxed.data).toMatchObject({
    box: { x: 1, y: 2, width: 30, height: 20 },
    box_source: 'caller',
    links: { self: `/api/vehicle/${SHA256}?box=1%2C2%2C30%2C20` },
  });
  expect(ports.originRequests).toHaveLength(2);
  const found = await ports.request(boxed.data.links.self);
  const headers = { 'If-None-Match': found.headers.get('etag') ?? '' };
  expect((await ports.request(boxed.data.links.self, { headers })).status).toBe(304);
  for (const box of ['1,2,3', '1,2,0,5', '-1,2,3,4', 'a']) {
    const response = await send(`${CLASSIFY}?box=${box}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ details: { parameter: 'box' } });
  }
});

test('an explanation and a thumbnail where they are requested', async () => {
  const dataOf = async (query: string) =>
    classifyResponseSchema.parse(await (await send(CLASSIFY + query)).json()).data;
  expect(await dataOf('')).not.toHaveProperty('explanation');
  const explained = await dataOf('?include=explanation');
  expect(explained.explanation).toMatchObject({ values: [0.5, -0.25], overlay: { base64: 'BBBB' } });
  expect(explained).not.toHaveProperty('thumbnail');
  expect(await dataOf('?include=all')).toHaveProperty('thumbnail');
});

test('a forged record is a miss', async () => {
  await send();
  await ports.settled();
  const key = `vehicles:vehicle@7/auto/${SHA256}`;
  await ports.redis(['SET', key, `${'0'.repeat(64)}{}`]);
  ports.startIsolate();
  expect((await send()).headers.get('x-cache')).toBe('MISS');
});

test('without Redis vehicles are still classified', async () => {
  ports.breakRedis(true);
  expect((await send()).status).toBe(200);
});

test('without a model it is 503 with the reason, and features are served on', async () => {
  const reason = 'There is no model.';
  ports.breakOrigin(() => Response.json({ status: 'unavailable', reason }));
  const response = await send();
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error_code: 'SERVICE_NOT_READY', detail: reason });
  const models = modelsResponseSchema.parse(await (await ports.request('/api/models/metadata')).json());
  expect(models.data).toMatchObject({ version: null, pipeline_initialized: false, reason, models: [] });
  ports.breakOrigin(undefined);
  expect((await send('/api/v1/features/detect', 'image')).status).toBe(200);
});

test('metadata names the model and its labels', async () => {
  const models = modelsResponseSchema.parse(await (await ports.request('/api/models/metadata')).json());
  expect(models.data).toMatchObject({
    version: '7',
    pipeline_initialized: true,
    supported_attributes: ['make', 'type'],
    models: [{ name: 'fake-vehicles', alias: 'champion' }],
  });
});

const batchForm = () => {
  const body = new FormData();
  body.append('files', new File([IMAGE], 'a.png'));
  body.append('files', new File(['no image'], 'b.png'));
  return body;
};

test('a batch as one document: a bad file fails alone', async () => {
  const response = await ports.request('/api/vehicle/classify-batch', { method: 'POST', body: batchForm() });
  expect(response.status).toBe(200);
  const { summary, results } = batchClassifyResponseSchema.parse(await response.json());
  expect(summary).toMatchObject({ total_files: 2, successful: 1, failed: 1 });
  expect(results.map(({ filename, status }) => [filename, status])).toEqual([
    ['a.png', 'success'],
    ['b.png', 'error'],
  ]);
  expect(results[1]).toMatchObject({ error_code: 'INVALID_IMAGE' });
});

test('a batch as lines, the summary last', async () => {
  const response = await ports.request('/api/vehicle/classify-batch', {
    method: 'POST',
    body: batchForm(),
    headers: { Accept: 'application/x-ndjson' },
  });
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const lines = (await response.text()).trim().split('\n');
  const values = lines.map((line): unknown => JSON.parse(line));
  expect(values).toHaveLength(3);
  for (const value of values.slice(0, -1)) batchClassifyResultSchema.parse(value);
  expect(batchClassifyLastLineSchema.parse(values.at(-1)).summary).toMatchObject({ total_files: 2 });
});

test('a report is made, found under its id, and shown as a page', async () => {
  const made = await send(`${REPORT}?vehicle_id=fleet-1`);
  expect(made.status).toBe(200);
  const { data } = reportResponseSchema.parse(await made.json());
  expect(data).toMatchObject({ vehicle_id: 'fleet-1', metadata: { confidence_level: 'HIGH' } });
  ports.startIsolate();
  const found = await ports.request(`${REPORT}/fleet-1`);
  expect(reportResponseSchema.parse(await found.json()).data).toEqual(data);
  const page = await ports.request(`${REPORT}/fleet-1`, { headers: { Accept: 'text/html' } });
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const html = await page.text();
  expect(html).toContain('&lt;Audi&gt;');
  expect(html).not.toContain('<Audi>');
  expect(html).not.toMatch(/<script|https?:/);
  expect(html).toContain('href="data:image/jpeg;base64,AAAA"');
  expect(html).toContain('href="data:image/png;base64,BBBB"');
});

test('a report without an id gets one', async () => {
  const { data } = reportResponseSchema.parse(await (await send(REPORT)).json());
  expect((await ports.request(`${REPORT}/${data.vehicle_id}`)).status).toBe(200);
});

test('ids that could be paths or keys are refused, and others are not found', async () => {
  expect((await send(`${REPORT}?vehicle_id=${encodeURIComponent('../x')}`)).status).toBe(400);
  expect((await ports.request(`${REPORT}/${encodeURIComponent('a:b')}`)).status).toBe(400);
  const missing = await ports.request(`${REPORT}/nothing`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error_code: 'REPORT_NOT_FOUND' });
});

test('an origin that responds with the classification of another image is not believed', async () => {
  await send();
  await ports.request('/api/models/metadata');
  ports.breakOrigin(() => Response.json({ key: 'vehicle@7/auto/0' }));
  const other = new FormData();
  other.append('file', new File([ownImage('jpeg-420.jpg')], 'other.jpg'));
  const response = await ports.request(CLASSIFY, { method: 'POST', body: other });
  expect(response.status).toBe(502);
});

test('hits and misses of vehicle routes are counted as such, those of batches by image', async () => {
  await send();
  await send();
  await ports.request('/api/vehicle/classify-batch', { method: 'POST', body: batchForm() });
  const stats = statsResponseSchema.parse(await (await ports.request('/api/v1/stats')).json());
  expect(stats.cache).toMatchObject({ hits: 2, misses: 1 });
  expect(stats.regions.local?.endpoints).toMatchObject({ [`POST ${CLASSIFY}`]: 2 });
});

/** A key of this scope, as the store has it. */
async function newKey(scope: 'write' | 'admin'): Promise<Record<string, string>> {
  const { key, record } = await createApiKey({ name: 'test', scope });
  await ports.redis(['HSET', 'api-keys', record.id, JSON.stringify(record)]);
  return { Authorization: `Bearer ${key}` };
}

test('a report belongs to the API key that made it', async () => {
  await ports.close();
  ports = createFakePorts({ REQUIRE_API_KEY: 'true' });
  const [one, other] = [await newKey('write'), await newKey('write')];
  expect((await send(`${REPORT}?vehicle_id=fleet-1`, 'file', one)).status).toBe(200);
  for (const isolate of ['the same', 'another']) {
    if (isolate === 'another') ports.startIsolate();
    expect((await ports.request(`${REPORT}/fleet-1`, { headers: one })).status, isolate).toBe(200);
    const refused = await ports.request(`${REPORT}/fleet-1`, { headers: other });
    expect(refused.status, isolate).toBe(404);
    expect(await refused.json()).toMatchObject({ error_code: 'REPORT_NOT_FOUND' });
  }
  // The same id is free for the other key, and replaces nothing.
  expect((await send(`${REPORT}?vehicle_id=fleet-1&box=1,2,30,20`, 'file', other)).status).toBe(200);
  const { data } = reportResponseSchema.parse(
    await (await ports.request(`${REPORT}/fleet-1`, { headers: one })).json(),
  );
  expect(data.classification_results.box_source).toBe('whole');
  expect((await ports.request(`${REPORT}/fleet-1`)).status).toBe(401);
});

test('cache administration lists, shows and deletes classifications beside features', async () => {
  const headers = await newKey('admin');
  const KEYS = '/api/v1/cache/keys';
  await send();
  await send('/api/v1/features/detect', 'image');
  await ports.settled();
  const list = async (pattern: string) => {
    const response = await ports.request(`${KEYS}?pattern=${encodeURIComponent(pattern)}`, { headers });
    return cacheListResponseSchema.parse(await response.json()).keys.map(({ key }) => key);
  };
  const key = `vehicle@7/auto/${SHA256}`;
  expect(await list(`*/${SHA256}`)).toHaveLength(2);
  expect(await list('vehicle@*')).toEqual([key]);
  expect(await list('edgesift@*')).toHaveLength(1);
  const entry = cacheEntryResponseSchema.parse(
    await (await ports.request(`${KEYS}/${key}`, { headers })).json(),
  );
  expect(entry.records).toMatchObject([{ name: 'classification' }]);
  expect((await ports.request(`${KEYS}/${key}`, { method: 'DELETE', headers })).status).toBe(200);
  expect((await ports.request(`${KEYS}/${key}`, { headers })).status).toBe(404);
  expect((await ports.request(`/api/vehicle/${SHA256}`)).status).toBe(404);
  await send();
  await ports.settled();
  const cleared = await ports.request(`${KEYS}?pattern=*`, { method: 'DELETE', headers });
  expect(await cleared.json()).toMatchObject({ deleted_keys: 2 });
  expect((await ports.request(`/api/vehicle/${SHA256}`)).status).toBe(404);
});

/** One red pixel on a screen of this size. */
function gif(width: number, height: number): Uint8Array<ArrayBuffer> {
  const pixel = '47494638396101000100800100ff0000ffffff2c00000000010001000002024401003b';
  const bytes = Uint8Array.from(pixel.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  new DataView(bytes.buffer).setUint16(6, width, true);
  new DataView(bytes.buffer).setUint16(8, height, true);
  return bytes;
}

test('vehicles are looked for in a GIF, within the limits; features refuse it by name', async () => {
  const upload = (path: string, bytes: Uint8Array<ArrayBuffer>) =>
    ports.request(path, { method: 'POST', headers: { 'Content-Type': 'image/gif' }, body: bytes });
  const response = await upload(CLASSIFY, gif(40, 30));
  const { data } = classifyResponseSchema.parse(await response.json());
  expect(data.image).toMatchObject({ format: 'gif', width: 40, height: 30 });
  const bomb = await upload(CLASSIFY, gif(65_535, 65_535));
  expect(bomb.status).toBe(413);
  const refused = await upload('/api/v1/features/detect', gif(40, 30));
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ details: { format: 'GIF' } });
});
