import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { flatImage, newImage } from '../../../fixtures/images.ts';
import { until } from '../../../fixtures/until.ts';

const MATCH = '/api/v1/match';

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

function match(images: Uint8Array<ArrayBuffer>[], query = ''): Promise<Response> {
  const body = new FormData();
  for (const [index, image] of images.entries()) body.append(`image${index + 1}`, new File([image], 'a.png'));
  return ports.request(MATCH + query, { method: 'POST', body });
}

test('matches of small images do not wait for those of large ones', async () => {
  const small = [await newImage(96, 72), await newImage(96, 72)];
  const large = await flatImage(600, 400);
  ports.breakOrigin(() => new Promise(() => undefined));
  // Decoders ignore what follows the image, hashes do not.
  const waiting = [1, 2, 3, 4].map((last) =>
    match([new Uint8Array([...large, last]), new Uint8Array([...large, last, last])]),
  );
  await until('all room is taken', async () => ports.originRequests.length >= 4);
  ports.breakOrigin(undefined);
  expect((await match(small)).status).toBe(200);
  expect((await match([large, small[0] ?? large], '?nfeatures=500')).status).toBe(200);
  // With these parameters small images may have very many keypoints.
  waiting.push(match([await newImage(96, 72), await newImage(96, 72)], '?contrast_threshold=0'));
  const outcome = await Promise.race([Promise.any(waiting), nextTurn('they wait')]);
  expect(outcome).toBe('they wait');
});
