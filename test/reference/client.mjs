// A client of the reference service, as somebody may have written it: it knows that service's address, the form field
// `image`, the fields of its responses and its error codes, and nothing of this project.
//
//     node test/reference/client.mjs http://127.0.0.1:8787 image.jpg
//
// Ends with 0 when everything is as that service promises, else prints what is not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const [address, file] = process.argv.slice(2);
const image = readFileSync(file);

async function detect(content, { name = 'photo.jpg', field = 'image', query = '', headers = {} } = {}) {
  const form = new FormData();
  form.append(field, new Blob([content], { type: 'image/jpeg' }), name);
  const response = await fetch(`${address}/api/v1/features/detect${query}`, {
    method: 'POST',
    body: form,
    headers,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function assertFeatures({ status, body }) {
  assert.equal(status, 200);
  assert.equal(body.success, true);
  assert.ok(Number.isInteger(body.keypoints) && body.keypoints > 0);
  assert.deepEqual(body.descriptors_shape, [body.keypoints, 128]);
  assert.equal(typeof body.cached, 'boolean');
  assert.ok(body.processing_time_ms >= 0);
  assert.equal(typeof body.request_id, 'string');
}

function assertError({ status, body }, expectedStatus, code) {
  assert.deepEqual([status, body.error_code], [expectedStatus, code]);
  assert.equal(body.success, false);
  assert.ok(body.message.length > 0);
  assert.equal(typeof body.details, 'object');
  assert.ok(body.request_id.length > 0);
}

const checks = {
  'health reports status, service, version, detector, cache and uptime': async () => {
    const response = await fetch(`${address}/health`);
    const health = await response.json();
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(health).sort(), [
      'cache_connected',
      'feature_detector_ready',
      'service',
      'status',
      'uptime_seconds',
      'version',
    ]);
    assert.deepEqual(
      [health.status, health.feature_detector_ready, health.cache_connected],
      ['healthy', true, true],
    );
  },
  'probes respond': async () => {
    for (const path of ['/health/live', '/health/ready']) {
      assert.equal((await fetch(address + path)).status, 200);
    }
  },
  'an image gives features, the second time from the cache': async () => {
    const first = await detect(image);
    const second = await detect(image);
    assertFeatures(first);
    assertFeatures(second);
    assert.equal(second.body.cached, true);
    assert.equal(second.body.keypoints, first.body.keypoints);
  },
  'nfeatures bounds the keypoints': async () => {
    const bounded = await detect(image, { query: '?nfeatures=20' });
    assertFeatures(bounded);
    assert.equal(bounded.body.keypoints, 20);
  },
  'the request id comes back in head and body': async () => {
    const { headers, body } = await detect(image, { headers: { 'X-Request-ID': 'order-4711' } });
    assert.deepEqual([headers.get('x-request-id'), body.request_id], ['order-4711', 'order-4711']);
    assert.ok(Number(headers.get('x-processing-time-ms')) >= 0);
  },
  'what is no image is INVALID_IMAGE': async () => {
    assertError(await detect(Buffer.from('this is text')), 400, 'INVALID_IMAGE');
    assertError(await detect(Buffer.alloc(0)), 400, 'INVALID_IMAGE');
  },
  'half an image is IMAGE_READ_ERROR': async () => {
    assertError(await detect(image.subarray(0, image.length / 2)), 422, 'IMAGE_READ_ERROR');
  },
  'more than 10 MB is IMAGE_TOO_LARGE': async () => {
    assertError(await detect(Buffer.concat([image, Buffer.alloc(11e6)])), 413, 'IMAGE_TOO_LARGE');
  },
  'a wrong or missing parameter is INVALID_PARAMETER': async () => {
    assertError(await detect(image, { query: '?nfeatures=many' }), 400, 'INVALID_PARAMETER');
    assertError(await detect(image, { field: 'photo' }), 400, 'INVALID_PARAMETER');
  },
  'an unknown path is NOT_FOUND': async () => {
    const response = await fetch(`${address}/api/v1/unknown`);
    assertError({ status: response.status, body: await response.json() }, 404, 'NOT_FOUND');
  },
  'documentation is where it was': async () => {
    for (const path of ['/docs', '/redoc', '/openapi.json']) {
      assert.equal((await fetch(address + path)).status, 200);
    }
  },
};

for (const [promise, check] of Object.entries(checks)) {
  try {
    await check();
  } catch (error) {
    process.stderr.write(`BROKEN: ${promise}: ${error.message}\n`);
    process.exitCode = 1;
  }
}
process.stdout.write(`${Object.keys(checks).length} promises\n`);
