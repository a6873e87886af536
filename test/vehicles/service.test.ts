import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ClassifyResponse,
  classifyResponseSchema,
  modelsResponseSchema,
  reportResponseSchema,
  UNKNOWN,
} from '../../shared/contract/vehicles.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';

const CLASSIFY = '/api/vehicle/classify';
const LONG = 120_000;

/** Rendered hills: no vehicle. */
const image = new Uint8Array(readFileSync(new URL('../../docs/example/mountains.jpg', import.meta.url)));
/** The README's example. */
const DRAWN_CAR = new Uint8Array(readFileSync(new URL('../../docs/example/car.jpg', import.meta.url)));

let stack: EdgeStack;

beforeAll(async () => {
  stack = await startEdgeStack({ runtime: 'workerd', edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
}, LONG);
afterAll(() => stack?.stop());

async function classify(
  query = '',
  body = image,
): Promise<{ response: Response; data: ClassifyResponse['data'] }> {
  const headers = { 'Content-Type': 'image/jpeg' };
  const response = await fetch(stack.url + CLASSIFY + query, { method: 'POST', headers, body });
  expect(response.status, await response.clone().text()).toBe(200);
  return { response, data: classifyResponseSchema.parse(await response.json()).data };
}

test(
  'an image without a vehicle is called so, nothing is guessed, and the second request is a hit',
  async () => {
    const { response, data } = await classify();
    expect(response.headers.get('x-cache')).toBe('MISS');
    expect(response.headers.get('server-timing')).toMatch(/classify;dur=/);
    expect(data.is_vehicle).toBe(false);
    expect(data.class).toBeUndefined();
    for (const prediction of Object.values(data.predictions)) {
      expect(prediction.predicted_value).toBe(UNKNOWN);
    }
    expect(data.warnings.map(({ code }) => code)).toContain('no_vehicle');
    expect(data.image).toMatchObject({ format: 'jpeg', bytes: image.length });
    const second = await classify();
    expect(second.response.headers.get('x-cache')).toMatch(/^HIT/);
    expect(second.data).toMatchObject({ cached: true, vehicle_probability: data.vehicle_probability });
  },
  LONG,
);

test(
  'a drawing of a car that does not exist is blue for certain, and of no certain make',
  async () => {
    const { predictions, is_vehicle, class: exact } = (await classify('', DRAWN_CAR)).data;
    expect(is_vehicle).toBe(true);
    expect(predictions.color).toMatchObject({
      predicted_value: 'blue',
      confidence_metrics: { is_confident: true },
    });
    expect(predictions.type).toMatchObject({ predicted_value: 'Sedan' });
    expect(predictions.make).toMatchObject({ confidence_metrics: { is_confident: false } });
    expect(exact?.confidence).toBeLessThan(0.4);
  },
  LONG,
);

test(
  'by hash, also from an isolate that has to ask Redis for what the origin wrote',
  async () => {
    await classify();
    await stack.restartEdge();
    const sha256 = createHash('sha256').update(image).digest('hex');
    const path = `${stack.url}/api/vehicle/${sha256}`;
    await expect.poll(async () => (await fetch(path)).status, { timeout: 30_000 }).toBe(200);
    const { data } = classifyResponseSchema.parse(await (await fetch(path)).json());
    expect(data.image.sha256).toBe(sha256);
  },
  LONG,
);

test(
  'a box is taken as it is, and one outside of the image refused',
  async () => {
    const { data } = await classify('?box=10,20,200,150&include=all');
    expect(data).toMatchObject({ box: { x: 10, y: 20, width: 200, height: 150 }, box_source: 'caller' });
    expect(data.thumbnail?.base64.length).toBeGreaterThan(100);
    expect(data.explanation?.values).toHaveLength(
      (data.explanation?.columns ?? 0) * (data.explanation?.rows ?? 0),
    );
    const headers = { 'Content-Type': 'image/jpeg' };
    const url = `${stack.url}${CLASSIFY}?box=9999,0,10,10`;
    const outside = await fetch(url, { method: 'POST', headers, body: image });
    expect(outside.status).toBe(400);
  },
  LONG,
);

test(
  'metadata names the model that ships, and health says that it serves',
  async () => {
    const models = await fetch(`${stack.url}/api/models/metadata`);
    const { data } = modelsResponseSchema.parse(await models.json());
    expect(data.pipeline_initialized).toBe(true);
    expect(data.supported_attributes).toEqual(expect.arrayContaining(['make', 'model', 'type', 'color']));
    expect(data.models[0]?.card).toContain('Limits');
    const health = await fetch(`${stack.url}/health/ready`);
    expect(await health.json()).toMatchObject({ vehicle_classifier_ready: true });
  },
  LONG,
);

test(
  'a report, as JSON and as a page',
  async () => {
    const body = new FormData();
    body.append('file', new File([image], 'landscape.jpg'));
    body.append('vehicle_id', 'landscape-1');
    const made = await fetch(`${stack.url}/api/vehicle/report`, { method: 'POST', body });
    expect(made.status).toBe(200);
    const { data } = reportResponseSchema.parse(await made.json());
    expect(data.summary).toContain('not seem to show a vehicle');
    const page = await fetch(`${stack.url}/api/vehicle/report/landscape-1?format=html`);
    expect(await page.text()).toContain('data:image/jpeg;base64,');
    expect((await fetch(`${stack.url}/api/vehicle/report/landscape-2`)).status).toBe(404);
  },
  LONG,
);
