import path from 'node:path';
import type { AttributeModel, Head, ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import { calibrated, softmax, sumOverClasses } from '../origin/vehicles/probabilities.ts';
import { isotonic } from './calibration.ts';
import { type Classes, classesOf, labelOf, modelNames, sortedSet } from './classes.ts';
import { type LearnedColours, learnColours } from './colours.ts';
import { foldOf, place, type Sample } from './dataset.ts';
import { type EncodingTable, joinTables, kept } from './encodings.ts';
import { fitFactors, logLikelihood } from './fit.ts';
import type { RunLog } from './log.ts';
import type { TrainingOptions } from './options.ts';
import { attributeModel, type Predictions } from './predictions.ts';
import type { Prepared } from './prepare.ts';
import {
  besides,
  crossValidate,
  type KernelProblem,
  oneOf,
  solveAll,
  spread,
  type Targets,
  targetsOf,
} from './ridge.ts';

/** Attributes with a head of their own, unless they follow from the class. */
const DIRECT = [
  'make',
  'model',
  'type',
  'decade',
  'country',
  'stock_or_moded',
  'functional_utility',
] as const;
const FIRST_FACTORS = [28, 8, 3];
const FIRST_SHARPNESS = 5;
/** The threshold of `is_vehicle`: at most this share of the vehicles may fall below it. */
const LOST_VEHICLES = 0.015;
const SEARCH = { limit: 2, offset: 0.3 };

/** What a model file is made of. */
export interface Learned {
  attributes: Record<string, AttributeModel>;
  heads: Record<string, Head>;
  /** F32[rows, length] and F32[rows]. */
  weights: Float32Array;
  biases: Float32Array;
  classFactors: number[];
  vehicle: ModelMetadata['vehicle'];
  condition: ModelMetadata['condition'];
  search: ModelMetadata['search'];
  colours: LearnedColours | undefined;
  /** Cross-validated, not calibrated, by attribute; and those on the jittered copies. */
  predictions: Record<string, Predictions>;
  jittered: Record<string, Predictions>;
  marginError: number | undefined;
}

/** A row of the table that the class, make, type and vehicle heads learn from. */
interface SharedRow {
  row: number;
  kind: 'image' | 'copy' | 'negative';
  classIndex: number | undefined;
  fold: number;
}

/** One block of rows of the weights, in the order in which they are stored. */
interface LearnedHead {
  name: string;
  /** F32[rows, length]. */
  weights: Float32Array;
  biases: number[];
}

/** Learns everything that there are labels for. */
export async function learn(prepared: Prepared, options: TrainingOptions, log: RunLog): Promise<Learned> {
  return new Learner(prepared, options, log).run();
}

class Learner {
  readonly #prepared: Prepared;
  readonly #options: TrainingOptions;
  readonly #log: RunLog;
  readonly #table: EncodingTable;
  /** Of `shapes`: those that are trained on. */
  readonly #kept: number[];
  readonly #classes: Classes;
  readonly #rows: readonly SharedRow[];
  readonly #heads: LearnedHead[] = [];
  readonly #attributes: Record<string, AttributeModel> = {};
  readonly #predictions: Record<string, Predictions> = {};
  readonly #jittered: Record<string, Predictions> = {};
  #vehicle: ModelMetadata['vehicle'];
  #condition: ModelMetadata['condition'];
  #classFactors: number[] = [];
  #marginError: number | undefined;

  constructor(prepared: Prepared, options: TrainingOptions, log: RunLog) {
    this.#prepared = prepared;
    this.#options = options;
    this.#log = log;
    const { shapes, tight, jittered, others } = prepared;
    this.#table = joinTables([tight.joined, jittered.joined, others.joined]);
    this.#kept = [...shapes.keys()].filter(
      (index) => place(shapes[index]?.group ?? '') < 1 - options.holdout,
    );
    this.#classes = classesOf(this.#kept.flatMap((index) => shapes[index] ?? []));
    this.#rows = this.#sharedRows();
  }

  async run(): Promise<Learned> {
    const { native, shapes, work } = this.#prepared;
    if (this.#kept.length > 0) {
      const kernel = await this.#log.phase('products of all encodings', () =>
        kept(path.join(work, 'gram.bin'), async () =>
          native.gram(this.#table.values, this.#table.scales, this.#options.threads),
        ),
      );
      const problem = { native, kernel, lambda: this.#options.lambda, threads: this.#options.threads };
      await this.#learnShapes(problem);
      if (shapes.length > 1) await this.#learnMargins();
    }
    const { colours } = this.#prepared;
    const learnedColours =
      colours.length > 0
        ? await this.#log.phase('colour', () => learnColours(this.#prepared, this.#options))
        : undefined;
    if (learnedColours) {
      this.#attributes.color = learnedColours.attribute;
      this.#predictions.color = learnedColours.predictions;
    }
    return { ...this.#assembled(), colours: learnedColours };
  }

  async #learnShapes(problem: KernelProblem): Promise<void> {
    const { classes, parts } = this.#sharedTargets();
    const targets = besides(parts);
    const scores = await this.#log.phase('cross-validation', () =>
      crossValidate(problem, targets, this.#options.folds, (fold) =>
        this.#log.progress(fold + 1, this.#options.folds),
      ),
    );
    const coefficients = await this.#log.phase('regression', () => solveAll(problem, targets));
    if (classes > 0)
      await this.#log.phase('classes', () => this.#learnClasses(problem, targets, scores, coefficients));
    if (this.#rows.some(({ kind }) => kind === 'negative'))
      this.#learnVehicle(problem, targets, scores, coefficients);
    for (const attribute of DIRECT) {
      if (!this.#classes.derived.has(attribute)) await this.#learnDirect(problem, attribute);
    }
    await this.#learnCondition(problem);
  }

  /** Images, their disturbed copies, what shows no vehicle. */
  #sharedRows(): SharedRow[] {
    const { shapes, jittered, negatives, viewsPerNegative } = this.#prepared;
    const { folds, seed, holdout } = this.#options;
    const copies = jittered.joined.scales.length;
    const ofSample = (index: number, kind: 'image' | 'copy'): SharedRow => {
      const sample = shapes[index];
      const row = kind === 'copy' ? shapes.length + index : index;
      const classIndex = sample && this.#classes.of(sample);
      return { row, kind, classIndex, fold: foldOf(sample?.group ?? '', folds, seed) };
    };
    return [
      ...this.#kept.map((index) => ofSample(index, 'image')),
      ...this.#kept.filter((index) => index < copies).map((index) => ofSample(index, 'copy')),
      ...negatives.flatMap(({ group }, index) => {
        if (place(group) >= 1 - holdout) return [];
        return Array.from({ length: viewsPerNegative }, (_, view) => ({
          row: shapes.length + copies + index * viewsPerNegative + view,
          kind: 'negative' as const,
          classIndex: undefined,
          fold: foldOf(group, folds, seed),
        }));
      }),
    ];
  }

  /** Targets of the class, make, type and vehicle heads, which share one decomposition. */
  #sharedTargets(): { classes: number; parts: Targets[] } {
    const { labels, derived } = this.#classes;
    const rows = Uint32Array.from(this.#rows, ({ row }) => row);
    const folds = Uint8Array.from(this.#rows, ({ fold }) => fold);
    const parts: Targets[] = [];
    if (labels.length > 1) {
      const wanted = (count: number, label: (classIndex: number) => number) =>
        this.#rows.map(({ classIndex }) =>
          classIndex === undefined ? undefined : oneOf(count, label(classIndex)),
        );
      parts.push(
        targetsOf(
          rows,
          folds,
          wanted(labels.length, (index) => index),
          labels.length,
        ),
      );
      for (const attribute of ['make', 'type']) {
        const of = derived.get(attribute);
        if (of && of.labels.length > 1) {
          const values = wanted(of.labels.length, (index) => of.ofClass[index] ?? 0);
          parts.push(targetsOf(rows, folds, values, of.labels.length));
        }
      }
    }
    const isVehicle = this.#rows.map(({ kind }) => [kind === 'negative' ? -1 : 1]);
    parts.push(targetsOf(rows, folds, isVehicle, 1));
    return { classes: labels.length > 1 ? labels.length : 0, parts };
  }

  /** Columns of the shared targets whose scores make up the logit of each class. */
  #classTerms(): number[][] {
    const { labels, derived } = this.#classes;
    let first = labels.length;
    const terms = labels.map((_, index) => [index]);
    for (const attribute of ['make', 'type']) {
      const of = derived.get(attribute);
      if (!of || of.labels.length < 2) continue;
      terms.forEach((columns, index) => {
        columns.push(first + (of.ofClass[index] ?? 0));
      });
      first += of.labels.length;
    }
    return terms;
  }

  #learnClasses(
    problem: KernelProblem,
    targets: Targets,
    scores: Float32Array,
    coefficients: Float32Array,
  ): void {
    const { labels, derived } = this.#classes;
    const terms = this.#classTerms();
    const { columns } = targets;
    const labelledRows = (wanted: SharedRow['kind']) =>
      [...this.#rows.keys()].filter((at) => {
        const row = this.#rows[at];
        return row?.kind === wanted && row.classIndex !== undefined;
      });
    const truthOf = (rows: readonly number[]) => rows.map((at) => this.#rows[at]?.classIndex ?? 0);
    const images = labelledRows('image');
    const logitsOf = (row: number, factors: readonly number[]) =>
      terms.map((ofClass) =>
        ofClass.reduce(
          (sum, column, term) => sum + (factors[term] ?? 0) * (scores[row * columns + column] ?? 0),
          0,
        ),
      );
    const factors = fitFactors(FIRST_FACTORS.slice(0, terms[0]?.length ?? 1), (tried) =>
      logLikelihood((index) => logitsOf(images[index] ?? 0, tried), truthOf(images)),
    );
    this.#classFactors = factors;
    const predict = (rows: readonly number[]) => rows.map((row) => softmax(logitsOf(row, factors)));
    this.#addClassPredictions(truthOf(images), predict(images), this.#predictions);
    const copies = labelledRows('copy');
    if (copies.length > 0) this.#addClassPredictions(truthOf(copies), predict(copies), this.#jittered);
    this.#attributes.class = attributeModel(this.#expect('class'));
    for (const [attribute, { ofClass }] of derived) {
      this.#attributes[attribute] = attributeModel(this.#expect(attribute), { of_class: ofClass });
    }
    // The weights of a class take those of its make and type in: one row for each class is scored.
    const merged = new Float32Array(targets.rows.length * labels.length);
    for (let row = 0; row < targets.rows.length; row++) {
      terms.forEach((ofClass, index) => {
        const value = ofClass.reduce(
          (sum, column, term) => sum + (factors[term] ?? 0) * (coefficients[row * columns + column] ?? 0),
          0,
        );
        merged[row * labels.length + index] = value;
      });
    }
    const biases = terms.map((ofClass) =>
      ofClass.reduce((sum, column, term) => sum + (factors[term] ?? 0) * (targets.means[column] ?? 0), 0),
    );
    const weights = this.#combined(problem, merged, targets.rows, labels.length);
    this.#heads.push({ name: 'class', weights, biases });
  }

  #addClassPredictions(truth: number[], probabilities: number[][], to: Record<string, Predictions>): void {
    to.class = { labels: this.#classes.labels, truth, probabilities };
    for (const [attribute, { labels, ofClass }] of this.#classes.derived) {
      to[attribute] = {
        labels,
        truth: truth.map((index) => ofClass[index] ?? 0),
        probabilities: probabilities.map((values) => sumOverClasses(values, ofClass, labels.length)),
      };
    }
  }

  #expect(attribute: string): Predictions {
    const predictions = this.#predictions[attribute];
    if (predictions === undefined) throw new RangeError(`no predictions of ${attribute}`);
    return predictions;
  }

  #learnVehicle(
    problem: KernelProblem,
    targets: Targets,
    scores: Float32Array,
    coefficients: Float32Array,
  ): void {
    const { columns, rows } = targets;
    const column = columns - 1;
    const scoreOf = (at: number) => scores[at * columns + column] ?? 0;
    const places = (wanted: (kind: SharedRow['kind']) => boolean) =>
      [...this.#rows.keys()].filter((at) => wanted(this.#rows[at]?.kind ?? 'image'));
    const vehicles = places((kind) => kind !== 'negative');
    const negatives = places((kind) => kind === 'negative');
    // Images without a vehicle are few here and may be many elsewhere: both kinds count alike.
    const repeats = Math.max(1, Math.round(vehicles.length / negatives.length));
    const all = [...vehicles, ...negatives.flatMap((at) => new Array<number>(repeats).fill(at))];
    const calibration = isotonic(
      all.map(scoreOf),
      all.map((at) => this.#rows[at]?.kind !== 'negative'),
    );
    const images = places((kind) => kind === 'image')
      .map(scoreOf)
      .toSorted((a, b) => a - b);
    const lowest = images[Math.floor(LOST_VEHICLES * images.length)] ?? 0;
    const threshold = Math.min(0.5, calibrated(calibration, lowest));
    const found = (at: number) => calibrated(calibration, scoreOf(at)) >= threshold;
    this.#vehicle = {
      calibration,
      threshold,
      metrics: {
        recall: vehicles.filter(found).length / Math.max(1, vehicles.length),
        specificity: negatives.filter((at) => !found(at)).length / negatives.length,
        negatives: negatives.length,
      },
    };
    this.#log.note('vehicle or not', this.#vehicle.metrics);
    const own = Float32Array.from(rows, (_, row) => coefficients[row * columns + column] ?? 0);
    this.#heads.push({
      name: 'vehicle',
      weights: this.#combined(problem, own, rows, 1),
      biases: [targets.means[column] ?? 0],
    });
  }

  /** Images as they are, with a value for each; the rows of the table are those of `shapes`. */
  #rowsWith<Value>(labelled: (sample: Sample) => Value | undefined) {
    const { shapes } = this.#prepared;
    const { folds, seed } = this.#options;
    const found = this.#kept.flatMap((index) => {
      const sample = shapes[index];
      const value = sample && labelled(sample);
      return sample && value !== undefined ? [{ index, value, fold: foldOf(sample.group, folds, seed) }] : [];
    });
    return {
      rows: Uint32Array.from(found, ({ index }) => index),
      folds: Uint8Array.from(found, ({ fold }) => fold),
      values: found.map(({ value }) => value),
    };
  }

  async #learnDirect(problem: KernelProblem, attribute: (typeof DIRECT)[number]): Promise<void> {
    const names = modelNames(this.#prepared.shapes);
    const { rows, folds, values } = this.#rowsWith((sample) => labelOf(sample, attribute, names));
    const labels = sortedSet(values);
    if (labels.length < 2) return;
    const truth = values.map((value) => labels.indexOf(value));
    const wanted = truth.map((label) => oneOf(labels.length, label));
    const targets = targetsOf(rows, folds, wanted, labels.length);
    const scores = await this.#log.phase(attribute, () =>
      crossValidate(problem, targets, this.#options.folds, () => {}),
    );
    const scoresOf = (index: number) => scores.subarray(index * labels.length, (index + 1) * labels.length);
    const [sharpness = 1] = fitFactors([FIRST_SHARPNESS], ([factor = 1]) =>
      logLikelihood((index) => scoresOf(index).map((score) => score * factor), truth),
    );
    const predictions = {
      labels,
      truth,
      probabilities: truth.map((_, index) => softmax(scoresOf(index), sharpness)),
    };
    this.#predictions[attribute] = predictions;
    this.#attributes[attribute] = attributeModel(predictions, { sharpness });
    const weights = this.#combined(problem, solveAll(problem, targets), rows, labels.length);
    this.#heads.push({ name: attribute, weights, biases: [...targets.means] });
  }

  async #learnCondition(problem: KernelProblem): Promise<void> {
    const { rows, folds, values } = this.#rowsWith(({ labels }) => {
      const value = Number(labels.condition ?? Number.NaN);
      return Number.isFinite(value) ? value : undefined;
    });
    if (values.length < 2) return;
    const targets = targetsOf(
      rows,
      folds,
      values.map((value) => [value]),
      1,
    );
    const scores = await this.#log.phase('condition', () =>
      crossValidate(problem, targets, this.#options.folds, () => {}),
    );
    const squares = values.reduce((sum, value, index) => sum + (value - (scores[index] ?? 0)) ** 2, 0);
    this.#condition = { error: Math.sqrt(squares / values.length) };
    const weights = this.#combined(problem, solveAll(problem, targets), rows, 1);
    this.#heads.push({ name: 'condition', weights, biases: [...targets.means] });
  }

  /** Where in an image the vehicle is: from the jittered copies, not mirrored, whose margins are known. */
  async #learnMargins(): Promise<void> {
    const { native, jittered, shapes } = this.#prepared;
    const { single, floats } = jittered;
    if (single === undefined || single.scales.length < 2) return;
    const kernel = await this.#log.phase('products of the jittered encodings', () =>
      native.gram(single.values, single.scales, this.#options.threads),
    );
    const problem = { native, kernel, lambda: this.#options.lambda, threads: this.#options.threads };
    const copies = single.scales.length;
    const { rows, folds } = this.#rowsWith((sample) => (shapes.indexOf(sample) < copies ? true : undefined));
    if (rows.length < 2) return;
    const wanted = [...rows].map((row) => [...floats.subarray(4 * row, 4 * row + 4)]);
    const targets = targetsOf(rows, folds, wanted, 4);
    const FOLDS_MEASURED = 2;
    const halves = { ...targets, folds: targets.folds.map((fold) => fold % FOLDS_MEASURED) };
    const scores = await this.#log.phase('margins', () =>
      crossValidate(problem, halves, FOLDS_MEASURED, () => {}),
    );
    const squares = wanted.flat().reduce((sum, value, index) => sum + (value - (scores[index] ?? 0)) ** 2, 0);
    this.#marginError = Math.sqrt(squares / (4 * rows.length));
    this.#log.note('margins', { error: this.#marginError });
    const coefficients = spread(solveAll(problem, targets), rows, 4, copies);
    const weights = native.combine(single.values, single.scales, coefficients, 4, this.#options.threads);
    this.#heads.push({ name: 'margins', weights, biases: [...targets.means] });
  }

  #combined(
    { native, threads }: KernelProblem,
    coefficients: Float32Array,
    rows: Uint32Array,
    columns: number,
  ) {
    const { values, scales } = this.#table;
    return native.combine(
      values,
      scales,
      spread(coefficients, rows, columns, scales.length),
      columns,
      threads,
    );
  }

  #assembled(): Omit<Learned, 'colours'> {
    const { length } = this.#table;
    const heads: Record<string, Head> = {};
    let first = 0;
    for (const { name, biases } of this.#heads) {
      heads[name] = { first, count: biases.length };
      first += biases.length;
    }
    const weights = new Float32Array(first * length);
    for (const head of this.#heads) weights.set(head.weights, (heads[head.name]?.first ?? 0) * length);
    return {
      attributes: this.#attributes,
      heads,
      weights,
      biases: Float32Array.from(this.#heads.flatMap(({ biases }) => biases)),
      classFactors: this.#classFactors,
      vehicle: this.#vehicle,
      condition: this.#condition,
      search: this.#prepared.search && SEARCH,
      predictions: this.#predictions,
      jittered: this.#jittered,
      marginError: this.#marginError,
    };
  }
}
