import { ServiceError } from '../../shared/contract/errors.ts';
import type { GeometryParameters } from '../../shared/contract/parameters.ts';
import type { MatchResult } from '../../shared/contract/responses.ts';
import { decodePayload, type Features } from '../../shared/features/payload.ts';
import { checkMatchable } from '../../shared/matching.ts';
import { splitPayloads } from '../../shared/origin-protocol.ts';
import type { NativeAddon } from '../native/addon.ts';
import { cancellable, throwIfCancelled } from './cancellation.ts';
import type { CancellationFlag, MatchTask, MatchTaskResult } from './messages.ts';
import { log10FalseAlarms, minimalSample, type Support } from './significance.ts';

/**
 * A model counts when as good a one is to be expected by chance less than once in so many pairs of images that have
 * nothing in common. Of 2,600 such pairs none came below 0.03; the pairs that SIFT can match come below 1e-10.
 */
const MOST_LOG10_FALSE_ALARMS = -3;

/**
 * Two feature payloads → what matches and how the images relate. Blocks the calling thread while the native code runs.
 *
 * @throws ServiceError `INVALID_PARAMETER` for anything but two feature payloads, `IMAGE_TOO_LARGE` for more keypoints
 *   than are matched, `SERVICE_TIMEOUT` once `cancelled` is set
 */
export async function matchFeatures(
  addon: NativeAddon,
  task: MatchTask,
  cancelled?: CancellationFlag,
): Promise<MatchTaskResult> {
  throwIfCancelled(cancelled);
  const started = performance.now();
  const [first, second] = readFeatures(task.bytes);
  const result = match(addon, first, second, task.parameters, cancelled);
  const payload = new TextEncoder().encode(JSON.stringify(result));
  return { kind: 'matched', payload, matchMs: performance.now() - started };
}

function readFeatures(body: Uint8Array<ArrayBuffer>): [Features, Features] {
  const payloads = splitPayloads(body);
  if (!payloads)
    throw new ServiceError('INVALID_PARAMETER', 'The body does not consist of two feature payloads.');
  return [readOne(payloads[0]), readOne(payloads[1])];
}

function readOne(payload: Uint8Array<ArrayBuffer>): Features {
  const features = decodeOne(payload);
  checkMatchable(features.count);
  return features;
}

function decodeOne(payload: Uint8Array<ArrayBuffer>): Features {
  try {
    return decodePayload(payload).features;
  } catch (cause) {
    throw new ServiceError('INVALID_PARAMETER', 'The body does not consist of two feature payloads.', {
      cause,
    });
  }
}

function match(
  addon: NativeAddon,
  first: Features,
  second: Features,
  { model, ratio, threshold, include }: GeometryParameters,
  cancelled?: CancellationFlag,
): MatchResult {
  const rows = cancellable(() =>
    addon.matchDescriptors(first.descriptors, second.descriptors, ratio, cancelled),
  );
  const matches = rows.length / 3;
  const index1 = column(rows, 0);
  const index2 = column(rows, 1);
  const points1 = pointsAt(first.xy, index1);
  const points2 = pointsAt(second.xy, index2);
  const enough = matches >= minimalSample(model);
  const geometry = enough
    ? cancellable(() => addon.estimateGeometry(points1, points2, model, threshold, cancelled))
    : null;
  const errors = geometry?.errors.filter((error) => error <= threshold) ?? new Float64Array();
  const falseAlarms = geometry
    ? falseAlarmsOf(addon, { points1, points2, ...geometry }, { model, threshold }, cancelled)
    : undefined;
  const found = isSignificant(falseAlarms) ? geometry : null;
  const inlier = Array.from(rows.subarray(0, matches), (_, pair) => isInlier(found, pair, threshold));
  return {
    matches,
    inliers: found ? errors.length : 0,
    [model]: found && { matrix: matrixRows(found.matrix), ...reprojectionErrors(errors) },
    ...(falseAlarms !== undefined && { log10_false_alarms: falseAlarms }),
    ...(!found && { reason: enough ? 'no_consensus' : 'too_few_matches' }),
    ...(include === 'all' && {
      pairs: {
        index1: [...index1],
        index2: [...index2],
        x1: [...everySecond(points1, 0)],
        y1: [...everySecond(points1, 1)],
        x2: [...everySecond(points2, 0)],
        y2: [...everySecond(points2, 1)],
        distance: Array.from(column(rows, 2), Math.sqrt),
        inlier,
      },
    }),
  };
}

/**
 * log10 of the false alarms; only what no mirror explains counts where a mirror is significant itself. No camera sees a
 * plane from both sides, but a mirrored image's reflection fits a family of fundamental matrices, and near its axis
 * homographies too.
 */
function falseAlarmsOf(
  addon: NativeAddon,
  support: Support,
  { model, threshold }: Pick<GeometryParameters, 'model' | 'threshold'>,
  cancelled?: CancellationFlag,
): number | undefined {
  const falseAlarms = log10FalseAlarms(support, model, threshold);
  if (!isSignificant(falseAlarms)) return falseAlarms;
  const { points1, points2 } = support;
  const mirror = cancellable(() =>
    addon.estimateGeometry(points1, points2, 'reflection', threshold, cancelled),
  );
  if (!mirror) return falseAlarms;
  if (!isSignificant(log10FalseAlarms({ points1, points2, ...mirror }, 'homography', threshold)))
    return falseAlarms;
  const errors = support.errors.map((error, pair) =>
    isInlier(mirror, pair, threshold) ? Number.POSITIVE_INFINITY : error,
  );
  return log10FalseAlarms({ ...support, errors }, model, threshold);
}

function isSignificant(falseAlarms: number | undefined): boolean {
  return falseAlarms !== undefined && falseAlarms < MOST_LOG10_FALSE_ALARMS;
}

function isInlier(geometry: { errors: Float64Array } | null, pair: number, threshold: number): boolean {
  return (geometry?.errors[pair] ?? Number.POSITIVE_INFINITY) <= threshold;
}

/** @param errors of the inliers, not empty */
function reprojectionErrors(errors: Float64Array) {
  const sorted = errors.toSorted();
  const middle = sorted.subarray(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return { reprojection_error: mean(errors), median_reprojection_error: mean(middle) };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function column(rows: Uint32Array, at: number): Uint32Array {
  return rows.filter((_, index) => index % 3 === at);
}

function everySecond(points: Float32Array, from: number): Float32Array {
  return points.filter((_, index) => index % 2 === from);
}

function pointsAt(xy: Float32Array, rows: Uint32Array): Float32Array {
  const points = new Float32Array(2 * rows.length);
  for (const [pair, row] of rows.entries()) points.set(xy.subarray(2 * row, 2 * row + 2), 2 * pair);
  return points;
}

type Row = [number, number, number];

function matrixRows([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0]: Float64Array): [
  Row,
  Row,
  Row,
] {
  return [
    [a, b, c],
    [d, e, f],
    [g, h, i],
  ];
}
