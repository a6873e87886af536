import { expect, test } from 'vitest';
import { Slots } from '../../../origin/bulk/slots.ts';

/** Lets everything happen that can happen now. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('lets as many begin as there are places, in order', async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const releases: (() => void)[] = [];
  for (const number of [1, 2, 3, 4]) {
    void slots.take().then((release) => {
      begun.push(number);
      releases.push(release);
    });
  }
  await settle();
  expect(begun).toEqual([1, 2]);
  releases[1]?.();
  await settle();
  expect(begun).toEqual([1, 2, 3]);
});

test('what wants all places waits for all others, and others wait for it', async () => {
  const slots = new Slots(3);
  const first = await slots.take();
  let alone: (() => void) | undefined;
  let later = false;
  void slots.takeAll().then((release) => {
    alone = release;
  });
  void slots.take().then(() => {
    later = true;
  });
  await settle();
  expect(alone).toBeUndefined();
  first();
  await settle();
  expect(alone).toBeDefined();
  expect(later).toBe(false);
  alone?.();
  await settle();
  expect(later).toBe(true);
});

test('says when few wait', async () => {
  const slots = new Slots(1);
  const release = await slots.take();
  let few = false;
  const taken = [slots.take(), slots.take()];
  void slots.untilFewWait(1).then(() => {
    few = true;
  });
  await slots.untilFewWait(2);
  expect(few).toBe(false);
  release();
  await taken[0];
  await settle();
  expect(few).toBe(true);
});

test('a place that is given back twice is free once', async () => {
  const slots = new Slots(1);
  const release = await slots.take();
  release();
  release();
  await slots.take();
  let second = false;
  void slots.take().then(() => {
    second = true;
  });
  await settle();
  expect(second).toBe(false);
});
