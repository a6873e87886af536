import path from 'node:path';
import type { AttributeModel, Head, ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import { softmax, sumOverClasses } from '../origin/vehicles/probabilities.ts';
import { type Classes, classesOf, labelOf, modelNames, sortedSet } from './classes.ts';
import { type LearnedColours, learnColours } from './colours.ts';
import { fingerprintOf, foldOf, place, type Sample } from './dataset.ts';
import { concatenate, type EncodingTable, joinTables, kept } from './encodings.ts';
import { fitFactors, logLikelihood } from './fit.ts';
import type { RunLog } from './log.ts';
import { fitMixing, type Multiply, mixed, type Scored } from './mixing.ts';
import type { TrainingOptions } from './options.ts';
import { attributeModel, type Predictions } from './predictions.ts';
import type { Prepared } from './prepare.ts';
import {
  besides,
  type KernelProblem,
  oneOf,
  rowsOf,
  type Solution,
  solve,
  spread,
  type Targets,
  targetsOf,
} from './ridge.ts';
import { learnVehicle } from './vehicle-or-not.ts';

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
/** Parts of the images for which the mixing of the classes' scores is fitted without them, to measure it. */
const MIXING_FOLDS = 5;
/** A disturbed copy counts this many times less than its image: it makes the scores robust at little cost. */
const COPY_PENALTY = 4;
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

/** A row of the table that the class, make and type heads learn from. */
interface SharedRow {
  row: number;
  kind: 'image' | 'copy';
  classIndex: number | undefined;
  group: string;
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
    const { shapes, tight, jittered } = prepared;
    this.#table = joinTables([tight.joined, jittered.joined]);
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
        kept(path.join(work, `products-${this.#table.scales.length}.bin`), async () =>
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
    if (classes > 0) {
      const targets = besides(parts);
      const solution = await this.#log.phase('regression', () => this.#keptSolution(problem, targets));
      await this.#log.phase('classes', () => this.#learnClasses(problem, targets, solution));
    }
    await this.#learnVehicle();
    for (const attribute of DIRECT) {
      if (!this.#classes.derived.has(attribute)) await this.#learnDirect(problem, attribute);
    }
    await this.#learnCondition(problem);
  }

  /** Images and their disturbed copies. */
  #sharedRows(): SharedRow[] {
    const { shapes, jittered } = this.#prepared;
    const copies = jittered.joined.scales.length;
    const ofSample = (index: number, kind: 'image' | 'copy'): SharedRow => {
      const sample = shapes[index];
      const row = kind === 'copy' ? shapes.length + index : index;
      const classIndex = sample && this.#classes.of(sample);
      return { row, kind, classIndex, group: sample?.group ?? '' };
    };
    return [
      ...this.#kept.flatMap((index) => [
        ofSample(index, 'image'),
        ...(index < copies ? [ofSample(index, 'copy')] : []),
      ]),
    ];
  }

  /** Targets of the class, make and type heads, which share one decomposition. */
  #sharedTargets(): { classes: number; parts: Targets[] } {
    const { labels, derived } = this.#classes;
    const all = rowsOf(
      this.#rows.map(({ row }) => row),
      this.#rows.map(({ group }) => group),
    );
    const penalties = Float32Array.from(this.#rows, ({ kind }) => (kind === 'copy' ? COPY_PENALTY : 1));
    const rows = { ...all, penalties };
    const parts: Targets[] = [];
    if (labels.length > 1) {
      const wanted = (count: number, label: (classIndex: number) => number) =>
        this.#rows.map(({ classIndex }) =>
          classIndex === undefined ? undefined : oneOf(count, label(classIndex)),
        );
      const values = wanted(labels.length, (index) => index);
      parts.push(targetsOf(rows, values, labels.length));
      for (const attribute of ['make', 'type']) {
        const of = derived.get(attribute);
        if (of && of.labels.length > 1) {
          const values = wanted(of.labels.length, (index) => of.ofClass[index] ?? 0);
          parts.push(targetsOf(rows, values, of.labels.length));
        }
      }
    }
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

  #learnClasses(problem: KernelProblem, targets: Targets, { coefficients, leftOut: scores }: Solution): void {
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
    const scored = (rows: readonly number[]): Scored[] =>
      rows.map((row) => ({
        logits: logitsOf(row, factors),
        scores: scores.subarray(row * columns, row * columns + labels.length),
        truth: this.#rows[row]?.classIndex ?? 0,
      }));
    const copies = labelledRows('copy');
    const multiply: Multiply = (a, b, depth) => problem.native.multiply(a, b, depth, problem.threads);
    const crossed = this.#crossed(images, scored, [images, copies], multiply);
    this.#addClassPredictions(truthOf(images), crossed[0] ?? [], this.#predictions);
    if (copies.length > 0) this.#addClassPredictions(truthOf(copies), crossed[1] ?? [], this.#jittered);
    this.#attributes.class = attributeModel(this.#expect('class'));
    for (const [attribute, { ofClass }] of derived) {
      this.#attributes[attribute] = attributeModel(this.#expect(attribute), { of_class: ofClass });
    }
    const mixing = fitMixing(scored(images), labels.length, multiply);
    // The weights of a class take in those of its make, its type and the other classes: one row for each class is scored.
    const logits = (values: (column: number) => number) =>
      mixed(mixing, {
        logits: terms.map((ofClass) =>
          ofClass.reduce((sum, column, term) => sum + (factors[term] ?? 0) * values(column), 0),
        ),
        scores: Float32Array.from(labels, (_, index) => values(index)),
      });
    const merged = new Float32Array(targets.rows.length * labels.length);
    for (let row = 0; row < targets.rows.length; row++) {
      const own = logits((column) => coefficients[row * columns + column] ?? 0);
      own.forEach((value, index) => {
        merged[row * labels.length + index] = value - (mixing.biases[index] ?? 0);
      });
    }
    const biases = logits((column) => targets.means[column] ?? 0);
    const weights = this.#combined(problem, merged, targets.rows, labels.length);
    this.#heads.push({ name: 'class', weights, biases });
  }

  /** Probabilities of the rows of each table, by mixings that were fitted to the images of other groups. */
  #crossed(
    images: readonly number[],
    scored: (rows: readonly number[]) => Scored[],
    tables: readonly (readonly number[])[],
    multiply: Multiply,
  ): number[][][] {
    const labels = this.#classes.labels.length;
    const folds = new Map(
      tables
        .flat()
        .map((row) => [row, foldOf(this.#rows[row]?.group ?? '', MIXING_FOLDS, this.#options.seed)]),
    );
    const mixings = Array.from({ length: MIXING_FOLDS }, (_, fold) => {
      this.#log.progress(fold + 1, MIXING_FOLDS);
      return fitMixing(scored(images.filter((row) => folds.get(row) !== fold)), labels, multiply);
    });
    return tables.map((rows) =>
      scored(rows).map((sample, index) => {
        const mixing = mixings[folds.get(rows[index] ?? 0) ?? 0];
        return softmax(mixing ? mixed(mixing, sample) : sample.logits);
      }),
    );
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

  async #learnVehicle(): Promise<void> {
    const learned = await this.#log.phase('vehicle or not', () =>
      learnVehicle(this.#prepared, this.#options),
    );
    if (learned === undefined) return;
    const { vehicle, weights, bias } = learned;
    this.#vehicle = vehicle;
    this.#log.note('vehicle or not', vehicle.metrics);
    this.#heads.push({ name: 'vehicle', weights, biases: [bias] });
  }

  /** The largest of the regressions: a run that was ended does not solve it again. */
  async #keptSolution(problem: KernelProblem, targets: Targets): Promise<Solution> {
    const { lambda, holdout, copies } = this.#options;
    const name = fingerprintOf([lambda, holdout, copies, COPY_PENALTY, targets.columns]);
    const size = targets.rows.length * targets.columns;
    const both = await kept(path.join(this.#prepared.work, `regression-${name}.bin`), async () => {
      const { coefficients, leftOut } = solve(problem, targets);
      return concatenate([coefficients, leftOut]);
    });
    return { coefficients: both.subarray(0, size), leftOut: both.subarray(size) };
  }

  /** Images as they are, with a value for each; the rows of the table are those of `shapes`. */
  #rowsWith<Value>(labelled: (sample: Sample) => Value | undefined) {
    const { shapes } = this.#prepared;
    const found = this.#kept.flatMap((index) => {
      const sample = shapes[index];
      const value = sample && labelled(sample);
      return sample && value !== undefined ? [{ index, value, group: sample.group }] : [];
    });
    const rows = rowsOf(
      found.map(({ index }) => index),
      found.map(({ group }) => group),
    );
    return { rows, values: found.map(({ value }) => value) };
  }

  async #learnDirect(problem: KernelProblem, attribute: (typeof DIRECT)[number]): Promise<void> {
    const names = modelNames(this.#prepared.shapes);
    const { rows, values } = this.#rowsWith((sample) => labelOf(sample, attribute, names));
    const labels = sortedSet(values);
    if (labels.length < 2) return;
    const truth = values.map((value) => labels.indexOf(value));
    const wanted = truth.map((label) => oneOf(labels.length, label));
    const targets = targetsOf(rows, wanted, labels.length);
    const { coefficients, leftOut: scores } = await this.#log.phase(attribute, () => solve(problem, targets));
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
    const weights = this.#combined(problem, coefficients, targets.rows, labels.length);
    this.#heads.push({ name: attribute, weights, biases: [...targets.means] });
  }

  async #learnCondition(problem: KernelProblem): Promise<void> {
    const { rows, values } = this.#rowsWith(({ labels }) => {
      const value = Number(labels.condition ?? Number.NaN);
      return Number.isFinite(value) ? value : undefined;
    });
    if (values.length < 2) return;
    const targets = targetsOf(
      rows,
      values.map((value) => [value]),
      1,
    );
    const { coefficients, leftOut: scores } = await this.#log.phase('condition', () =>
      solve(problem, targets),
    );
    const squares = values.reduce((sum, value, index) => sum + (value - (scores[index] ?? 0)) ** 2, 0);
    this.#condition = { error: Math.sqrt(squares / values.length) };
    const weights = this.#combined(problem, coefficients, targets.rows, 1);
    this.#heads.push({ name: 'condition', weights, biases: [...targets.means] });
  }

  /** Where in an image the vehicle is: from the jittered copies, not mirrored, whose margins are known. */
  async #learnMargins(): Promise<void> {
    const { native, jittered, shapes, work } = this.#prepared;
    const { single, floats } = jittered;
    if (single === undefined || single.scales.length < 2) return;
    const kernel = await this.#log.phase('products of the jittered encodings', () =>
      kept(path.join(work, `products-jittered-${single.scales.length}.bin`), async () =>
        native.gram(single.values, single.scales, this.#options.threads),
      ),
    );
    const problem = { native, kernel, lambda: this.#options.lambda, threads: this.#options.threads };
    const copies = single.scales.length;
    const { rows } = this.#rowsWith((sample) => (shapes.indexOf(sample) < copies ? true : undefined));
    if (rows.rows.length < 2) return;
    const wanted = [...rows.rows].map((row) => [...floats.subarray(4 * row, 4 * row + 4)]);
    const targets = targetsOf(rows, wanted, 4);
    const solution = await this.#log.phase('margins', () => solve(problem, targets));
    const { leftOut: scores } = solution;
    const squares = wanted.flat().reduce((sum, value, index) => sum + (value - (scores[index] ?? 0)) ** 2, 0);
    this.#marginError = Math.sqrt(squares / (4 * wanted.length));
    this.#log.note('margins', { error: this.#marginError });
    const coefficients = spread(solution.coefficients, targets.rows, 4, copies);
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
