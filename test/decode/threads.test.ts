import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { ownImage } from '../fixtures/images.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';

const addon = loadNativeAddon();
const ROUNDS = IS_THOROUGH ? 6 : 2;

test('threads that start do not disturb the decoding of others', async () => {
  const bytes = ownImage('png-rgb.png');
  const header = readImageHeader(bytes);
  const script = new URL('./starting-thread.ts', import.meta.url);
  let isOver = false;
  const decodeAgainAndAgain = async () => {
    for (let count = 0; ; count++) {
      if (isOver) return count;
      await decodeImage(addon, bytes, { header, orientation: 'apply', colours: true });
    }
  };
  const decoding = Promise.all(Array.from({ length: 8 }, decodeAgainAndAgain));
  decoding.catch(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([new Worker(script), new Worker(script)].map((worker) => once(worker, 'exit')));
  }
  isOver = true;
  expect(Math.min(...(await decoding))).toBeGreaterThan(5);
});
