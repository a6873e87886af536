import path from 'node:path';
import type { ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import { calibrated } from '../origin/vehicles/probabilities.ts';
import { isotonic } from './calibration.ts';
import { fingerprintOf, place } from './dataset.ts';
import { type EncodingTable, joinTables, kept, rowsOfTable } from './encodings.ts';
import type { TrainingOptions } from './options.ts';
import type { Prepared } from './prepare.ts';
import { rowsOf, solve, targetsOf } from './ridge.ts';

/** The threshold of `is_vehicle`: at most this share of the vehicles may fall below it. */
const LOST_VEHICLES = 0.02;
/** Images, and disturbed copies, that this learns from: more would change little and cost much. */
const MOST_IMAGES = 900;

export interface LearnedVehicle {
  vehicle: NonNullable<ModelMetadata['vehicle']>;
  /** F32[length] and its bias. */
  weights: Float32Array;
  bias: number;
}

interface Row {
  group: string;
  kind: 'image' | 'copy' | 'other';
}

/** Some rows of a table and what they are. */
interface Part {
  table: EncodingTable;
  rows: Row[];
}

/** A score that separates vehicles from everything else; undefined without images of both. */
export async function learnVehicle(
  prepared: Prepared,
  { holdout, copies, lambda, threads }: TrainingOptions,
): Promise<LearnedVehicle | undefined> {
  const { native, work } = prepared;
  const parts = partsOf(prepared, holdout);
  const table = joinTables(parts.map((part) => part.table));
  const rows = parts.flatMap((part) => part.rows);
  const negatives = places(rows, 'other');
  if (negatives.length === 0 || negatives.length === rows.length) return undefined;
  const name = `vehicle-products-${fingerprintOf([holdout, copies, table.scales.length])}.bin`;
  const kernel = await kept(path.join(work, name), async () =>
    native.gram(table.values, table.scales, threads),
  );
  const targets = targetsOf(
    rowsOf(
      [...rows.keys()],
      rows.map(({ group }) => group),
    ),
    rows.map(({ kind }) => [kind === 'other' ? -1 : 1]),
    1,
  );
  const { coefficients, leftOut } = solve({ native, kernel, lambda, threads }, targets);
  return {
    vehicle: judged(rows, leftOut),
    weights: native.combine(table.values, table.scales, coefficients, 1, threads),
    bias: targets.means[0] ?? 0,
  };
}

function partsOf(prepared: Prepared, holdout: number): Part[] {
  const { shapes, tight, jittered, negatives, others, viewsPerNegative, moreVehicles, drawings } = prepared;
  const isKept = (group: string) => place(group) < 1 - holdout;
  const part = (
    table: EncodingTable,
    kind: Row['kind'],
    groups: readonly string[],
    most = Number.POSITIVE_INFINITY,
  ) => {
    const every = Math.max(1, Math.ceil(groups.length / most));
    const chosen = [...groups.keys()].filter((index) => index % every === 0 && isKept(groups[index] ?? ''));
    return {
      table: rowsOfTable(table, chosen),
      rows: chosen.map((index) => ({ kind, group: groups[index] ?? '' })),
    };
  };
  const groupsOf = (count: number) => shapes.slice(0, count).map(({ group }) => group);
  return [
    part(tight.joined, 'image', groupsOf(shapes.length), MOST_IMAGES),
    part(jittered.joined, 'copy', groupsOf(jittered.joined.scales.length), MOST_IMAGES),
    part(
      moreVehicles.encodings.joined,
      'image',
      moreVehicles.samples.map(({ group }) => group),
    ),
    part(
      others.joined,
      'other',
      negatives.flatMap(({ group }) => new Array<string>(viewsPerNegative).fill(group)),
    ),
    part(
      drawings.joined,
      'other',
      Array.from(drawings.joined.scales, (_, index) => `drawing ${index}`),
    ),
  ];
}

/** Calibration, threshold and figures from scores of regressions that did not see the rows. */
function judged(rows: readonly Row[], scores: Float32Array): LearnedVehicle['vehicle'] {
  const scoreOf = (at: number) => scores[at] ?? 0;
  const images = places(rows, 'image');
  const vehicles = [...images, ...places(rows, 'copy')];
  const negatives = places(rows, 'other');
  // Images without a vehicle are few here and may be many elsewhere: both kinds count alike.
  const repeats = Math.max(1, Math.round(vehicles.length / negatives.length));
  const all = [...vehicles, ...negatives.flatMap((at) => new Array<number>(repeats).fill(at))];
  const calibration = isotonic(
    all.map(scoreOf),
    all.map((at) => rows[at]?.kind !== 'other'),
  );
  const ascending = images.map(scoreOf).toSorted((a, b) => a - b);
  const lowest = ascending[Math.floor(LOST_VEHICLES * ascending.length)] ?? 0;
  const threshold = Math.min(0.5, calibrated(calibration, lowest));
  const found = (at: number) => calibrated(calibration, scoreOf(at)) >= threshold;
  return {
    calibration,
    threshold,
    metrics: {
      recall: vehicles.filter(found).length / Math.max(1, vehicles.length),
      specificity: negatives.filter((at) => !found(at)).length / negatives.length,
      negatives: negatives.length,
    },
  };
}

function places(rows: readonly Row[], kind: Row['kind']): number[] {
  return [...rows.keys()].filter((at) => rows[at]?.kind === kind);
}
