import { median } from '../statistics.ts';

/** One way through all images. */
export interface Pass {
  /** From the first result to the last one for jobs; planning and closing a job come on top. */
  imagesPerSecond: number;
  /** Milliseconds of CPU per image, by process. */
  cpuMs: Record<string, number>;
  /**
   * Share of the time that the thread of SIFT in the first worker had work: it ran, or waited for a core that other
   * threads had. The rest it waited for its next image. It says the same on a machine that others use.
   */
  threadHasWork?: number;
  /** Cores that all programs outside of the measurement used on average. */
  otherCores: number;
}

export const WAYS = [
  'decode_and_sift',
  'http_loop',
  'one_worker',
  'two_workers',
  'one_worker_on_one_core',
  'two_workers_on_one_core_each',
  'one_worker_s3',
] as const;
export type Way = (typeof WAYS)[number];
export type Round = Record<Way, Pass>;

export interface Target {
  name: string;
  /** Medians over the rounds. */
  value: number;
  wanted: string;
  verdict: 'reached' | 'missed' | 'not decided: other programs used the machine';
}

const MOST_OVER = 0.05;
const LEAST_SECOND = 1.8;
/** Of all cores: more use by other programs makes rates meaningless. */
const QUIET_CORES = 0.1;

/** What `of` gives for each way. */
export function byWay<Value>(of: (way: Way) => Value): Record<Way, Value> {
  return Object.fromEntries(WAYS.map((way) => [way, of(way)])) as Record<Way, Value>;
}

/** Median over the rounds of what `of` gives for each. */
export function medianOf(rounds: readonly Round[], of: (round: Round) => number): number {
  return median(rounds.map(of));
}

/**
 * The targets for rates of bulk jobs. Each is a ratio of two passes of the same round, so that slow changes of the machine cancel out.
 *
 * Two workers with a core each are compared with one that has one core: on a machine of two cores, one worker without a
 * limit uses a part of the second core too, which is then not free.
 */
export function targetsOf(rounds: readonly Round[]): Target[] {
  const ratio = (one: Way, other: Way) =>
    medianOf(rounds, (round) => round[one].imagesPerSecond / round[other].imagesPerSecond);
  const judge = (name: string, value: number, wanted: string, isReached: boolean, ways: Way[]): Target => {
    const others = Math.max(...ways.map((way) => medianOf(rounds, (round) => round[way].otherCores)));
    const isQuiet = others <= QUIET_CORES;
    const verdict = isReached ? 'reached' : 'missed';
    return {
      name,
      value,
      wanted,
      verdict: isQuiet ? verdict : 'not decided: other programs used the machine',
    };
  };
  const over = ratio('decode_and_sift', 'one_worker') - 1;
  const second = ratio('two_workers_on_one_core_each', 'one_worker_on_one_core');
  return [
    judge('a worker over decoding and SIFT', over, `at most ${MOST_OVER}`, over <= MOST_OVER, [
      'decode_and_sift',
      'one_worker',
    ]),
    judge(
      'two workers to one, each on a core of its own',
      second,
      `at least ${LEAST_SECOND}`,
      second >= LEAST_SECOND,
      ['one_worker_on_one_core', 'two_workers_on_one_core_each'],
    ),
  ];
}
