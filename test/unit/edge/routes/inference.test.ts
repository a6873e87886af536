import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inferenceModelSchema, inferResponseSchema } from '../../../../shared/contract/inference.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const MODEL = '/v2/models/vehicle';
const IMAGE = ownImage('png-rgb.png');
const OTHER = ownImage('jpeg-420.jpg');

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const tensor = (...images: Uint8Array[]) => ({
  name: 'image',
  datatype: 'BYTES',
  shape: [images.length],
  data: images.map(base64),
});
const send = (body: unknown, path = `${MODEL}/infer`, headers: Record<string, string> = {}) =>
  ports.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const outputsOf = (response: { outputs: { name: string; data?: unknown[] | undefined }[] }) =>
  Object.fromEntries(response.outputs.map(({ name, data }) => [name, data]));

/** JSON, then one BYTES tensor, as the binary tensor data extension has it. */
function binaryRequest(images: Uint8Array[], more: object = {}): RequestInit {
  const parts = images.flatMap((image) => [Buffer.from(Uint32Array.of(image.length).buffer), image]);
  const bytes = Buffer.concat(parts);
  const inputs = [
    {
      name: 'image',
      datatype: 'BYTES',
      shape: [images.length, 1],
      parameters: { binary_data_size: bytes.length },
    },
  ];
  const header = Buffer.from(JSON.stringify({ inputs, ...more }));
  return {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(header.length) },
    body: Buffer.concat([header, bytes]),
  };
}

test('server and model say what they are, and that they are ready', async () => {
  expect(await (await ports.request('/v2')).json()).toMatchObject({ extensions: ['binary_tensor_data'] });
  for (const path of ['/v2/health/live', '/v2/health/ready', `${MODEL}/ready`, `${MODEL}/versions/7/ready`]) {
    expect((await ports.request(path)).status, path).toBe(200);
  }
  const model = inferenceModelSchema.parse(await (await ports.request(MODEL)).json());
  expect(model).toMatchObject({ name: 'vehicle', versions: ['7'] });
  expect(model.inputs).toEqual([{ name: 'image', datatype: 'BYTES', shape: [-1] }]);
  expect(model.outputs).toContainEqual({ name: 'make', datatype: 'BYTES', shape: [-1] });
});

test('images as base64: labels and confidence of each, from the cache the second time', async () => {
  const response = await send({ id: 'a', inputs: [tensor(IMAGE, OTHER)] });
  expect(response.status).toBe(200);
  const inferred = inferResponseSchema.parse(await response.json());
  expect(inferred).toMatchObject({ model_name: 'vehicle', model_version: '7', id: 'a' });
  expect(outputsOf(inferred)).toMatchObject({
    is_vehicle: [true, true],
    make: ['BMW', 'BMW'],
    make_confidence: [0.9, 0.9],
  });
  expect(outputsOf(inferred).result?.map((text) => JSON.parse(String(text)).image.format)).toEqual([
    'png',
    'jpeg',
  ]);
  await ports.settled();
  ports.startIsolate();
  const again = await send({ inputs: [tensor(IMAGE)] }, `${MODEL}/versions/7/infer`);
  expect(again.headers.get('x-cache')).toBe('HIT redis');
  expect(ports.originRequests).toHaveLength(2);
});

test('images and outputs as bytes', async () => {
  const more = {
    outputs: [
      { name: 'make', parameters: { binary_data: true } },
      { name: 'make_confidence', parameters: { binary_data: true } },
      { name: 'is_vehicle' },
    ],
  };
  const response = await ports.request(`${MODEL}/infer`, binaryRequest([IMAGE, OTHER], more));
  expect(response.status).toBe(200);
  const body = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length'));
  const inferred = inferResponseSchema.parse(JSON.parse(body.subarray(0, length).toString()));
  expect(inferred.outputs.map(({ parameters }) => parameters?.binary_data_size)).toEqual([14, 8, undefined]);
  const rest = body.subarray(length);
  expect(rest.readUInt32LE(0)).toBe(3);
  expect(rest.subarray(4, 7).toString()).toBe('BMW');
  expect(rest.readFloatLE(14)).toBeCloseTo(0.9);
  expect(outputsOf(inferred).is_vehicle).toEqual([true, true]);
});

test('a box is of one image', async () => {
  const parameters = { box: '1,2,30,20' };
  const boxed = inferResponseSchema.parse(await (await send({ parameters, inputs: [tensor(IMAGE)] })).json());
  expect(JSON.parse(String(outputsOf(boxed).result?.[0])).box_source).toBe('caller');
  expect((await send({ parameters, inputs: [tensor(IMAGE, OTHER)] })).status).toBe(400);
});

test.each([
  ['another input', { inputs: [{ ...tensor(IMAGE), name: 'pixels' }] }, /inputs\.0\.name/],
  ['another datatype', { inputs: [{ ...tensor(IMAGE), datatype: 'FP32' }] }, /inputs\.0\.datatype/],
  [
    'a shape of text',
    { inputs: [{ ...tensor(IMAGE), shape: ['1'] }] },
    /^Field 'inputs\.0\.shape\.0' must be \[images\]/,
  ],
  [
    'no shape',
    { inputs: [{ ...tensor(IMAGE), shape: undefined }] },
    /^Field 'inputs\.0\.shape' must be \[images\]/,
  ],
  ['no inputs', {}, /^Field 'inputs' must be an array of one tensor\.$/],
  ['an input of text', { inputs: ['image'] }, /^Field 'inputs\.0' must be an object\.$/],
  ['no output', { inputs: [tensor(IMAGE)], outputs: [] }, /^Field 'outputs' must be an array/],
  ['an id of another type', { id: 7, inputs: [tensor(IMAGE)] }, /^Field 'id' must be a string\.$/],
  ['another shape', { inputs: [{ ...tensor(IMAGE), shape: [2] }] }, /shape/],
  ['too many images', { inputs: [{ ...tensor(), shape: [32, 32] }] }, /more than/],
  ['no data', { inputs: [{ ...tensor(IMAGE), data: undefined }] }, /neither/],
  ['no base64', { inputs: [{ ...tensor(IMAGE), data: [7] }] }, /inputs\.0\.data/],
  ['no image', { inputs: [tensor(new TextEncoder().encode('text'))] }, /not a/],
  ['one bad image of two', { inputs: [tensor(IMAGE, new Uint8Array(9))] }, /not a/],
  ['an unknown output', { inputs: [tensor(IMAGE)], outputs: [{ name: 'price' }] }, /no output/],
  ['no document', 'text', /JSON/],
])('%s is refused in the words of the protocol', async (_, body, message) => {
  const response = await send(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error: expect.stringMatching(message) });
});

test('an output that the model does not have is refused before an image is classified', async () => {
  expect((await send({ inputs: [tensor(IMAGE)], outputs: [{ name: 'price' }] })).status).toBe(400);
  expect(ports.originRequests).toEqual([]);
});

test('bytes that are not the described tensor are refused', async () => {
  const whole = binaryRequest([IMAGE]);
  const body = Buffer.from(whole.body as Uint8Array);
  for (const [init, message] of [
    [{ ...whole, body: body.subarray(0, -1) }, /not the tensor/],
    [{ ...whole, headers: { 'Inference-Header-Content-Length': '0' } }, /length of the JSON/],
    [{ ...whole, headers: { 'Inference-Header-Content-Length': '9999999' } }, /length of the JSON/],
  ] as const) {
    const response = await ports.request(`${MODEL}/infer`, init);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(message) });
  }
});

test('unknown models, versions, paths and methods are errors of the protocol', async () => {
  for (const path of [
    '/v2/models/truck',
    `${MODEL}/versions/8`,
    `${MODEL}/versions/8/ready`,
    '/v2/nothing',
  ]) {
    const response = await ports.request(path);
    expect(response.status, path).toBe(404);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  }
  expect((await send({ inputs: [tensor(IMAGE)] }, `${MODEL}/versions/8/infer`)).status).toBe(404);
  expect((await ports.request(`${MODEL}/infer`)).status).toBe(405);
});

test('without a model the server is live and not ready', async () => {
  ports.breakOrigin(() => Response.json({ status: 'unavailable', reason: 'There is no model.' }));
  expect((await ports.request('/v2/health/live')).status).toBe(200);
  const response = await ports.request('/v2/health/ready');
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ error: 'There is no model.' });
});

test('models take a key where keys are asked for, health does not', async () => {
  await ports.close();
  ports = createFakePorts({ REQUIRE_API_KEY: 'true' });
  expect((await send({ inputs: [tensor(IMAGE)] })).status).toBe(401);
  const refused = await ports.request(MODEL);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toEqual({ error: expect.stringMatching(/API key/) });
  expect((await ports.request('/v2/health/live')).status).toBe(200);
});

test('every image of a request counts for the limit', async () => {
  await ports.close();
  ports = createFakePorts({ RATE_LIMIT: '2', RATE_LIMIT_MISS_COST: '1' });
  const response = await send({ inputs: [tensor(IMAGE, OTHER, IMAGE)] });
  expect(response.status).toBe(429);
  expect(await response.json()).toEqual({ error: expect.any(String) });
});

test('a server whose origin has gone is not ready, though the model is known', async () => {
  expect((await ports.request('/v2/health/ready')).status).toBe(200);
  ports.breakOrigin(() => new Response(null, { status: 500 }));
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2_000);
  for (const path of ['/v2/health/ready', `${MODEL}/ready`]) {
    expect((await ports.request(path)).status, path).toBe(502);
  }
  clock.mockRestore();
});

test('a document with more values than images can need is refused before it is parsed', async () => {
  const response = await send({ inputs: [{ ...tensor(IMAGE), data: new Array(5_000).fill([]) }] });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error: 'The document has too many values.' });
});

test('a JSON document whose copies have no room in an isolate is refused at once, whatever images may be', async () => {
  await ports.close();
  ports = createFakePorts({ MAX_IMAGE_BYTES: String(64 * 1024 * 1024) });
  const headers = { 'Content-Type': 'application/json' };
  const body = new Uint8Array(21 * 1024 * 1024);
  const response = await ports.request(`${MODEL}/infer`, { method: 'POST', headers, body });
  expect(response.status).toBe(413);
});

test('a compressed body is 415', async () => {
  const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
  const response = await ports.request(`${MODEL}/infer`, { method: 'POST', headers, body: 'x' });
  expect(response.status).toBe(415);
});
