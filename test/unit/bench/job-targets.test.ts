import { expect, test } from 'vitest';
import { type Pass, type Round, targetsOf, WAYS, type Way } from '../../../bench/jobs/targets.ts';

function roundOf(rates: Partial<Record<Way, number>>, otherCores = 0): Round {
  const pass = (imagesPerSecond: number): Pass => ({ imagesPerSecond, cpuMs: {}, otherCores });
  return Object.fromEntries(WAYS.map((way) => [way, pass(rates[way] ?? 50)])) as Round;
}
const good = {
  decode_and_sift: 60,
  one_worker: 58,
  one_worker_on_one_core: 50,
  two_workers_on_one_core_each: 92,
};
const verdictsOf = (rounds: Round[]) => targetsOf(rounds).map(({ verdict }) => verdict);

test('both targets are reached by the median of the rounds', () => {
  const bad = { ...good, one_worker: 20, two_workers_on_one_core_each: 50 };
  expect(verdictsOf([roundOf(good), roundOf(bad), roundOf(good)])).toEqual(['reached', 'reached']);
  expect(targetsOf([roundOf(good)]).map(({ value }) => value)).toEqual([60 / 58 - 1, 92 / 50]);
});

test('a worker that is 6 % slower, and a second one that gives 1.79 times the rate, miss them', () => {
  const slow = { ...good, one_worker: 60 / 1.06, two_workers_on_one_core_each: 1.79 * 50 };
  expect(verdictsOf([roundOf(slow)])).toEqual(['missed', 'missed']);
});

test('on a machine that other programs use, nothing is decided', () => {
  for (const verdict of verdictsOf([roundOf(good, 0.5)])) expect(verdict).toContain('not decided');
});
