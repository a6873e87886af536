import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { VehicleRecord } from '../../shared/contract/vehicles.ts';
import { Drift } from '../vehicles/drift.ts';

/** Shares of the training images by attribute and label. */
export type TrainingDistribution = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What a classification says, apart from its image. */
export type ObservedClassification = Pick<
  VehicleRecord,
  'predictions' | 'class' | 'is_vehicle' | 'vehicle_probability' | 'warnings'
>;

const TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** What became of a run of the challenger: `skipped` where the threads had other work. */
export type ShadowOutcome = 'completed' | 'skipped' | 'failed';

/** Watches what is predicted: every image counts once, when it is computed; hits at the edge are not seen here. */
export class VehicleMetrics {
  readonly #classifications: Counter<'outcome'>;
  readonly #predictions: Counter<'attribute' | 'label'>;
  readonly #confidence: Histogram<'attribute'>;
  readonly #warnings: Counter<'code'>;
  readonly #shadowRuns: Counter<'outcome'>;
  readonly #shadowAgreement: Counter<'attribute' | 'agrees'>;
  readonly #drifts = new Map<string, Drift>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#classifications = new Counter({
      name: 'edgesift_vehicle_classifications_total',
      help: 'Images classified, by outcome: vehicle, or unknown where no vehicle was seen',
      labelNames: ['outcome'],
      registers,
    });
    this.#predictions = new Counter({
      name: 'edgesift_vehicle_predictions_total',
      help: 'Predicted labels of images that show a vehicle, by attribute; class is the exact class',
      labelNames: ['attribute', 'label'],
      registers,
    });
    this.#confidence = new Histogram({
      name: 'edgesift_vehicle_confidence',
      help: 'Calibrated probability of the predicted label, by attribute',
      labelNames: ['attribute'],
      buckets: TENTHS,
      registers,
    });
    this.#warnings = new Counter({
      name: 'edgesift_vehicle_warnings_total',
      help: 'Warnings in classifications, by code',
      labelNames: ['code'],
      registers,
    });
    this.#shadowRuns = new Counter({
      name: 'edgesift_vehicle_shadow_runs_total',
      help: 'Images chosen for the challenger, by outcome: completed, skipped (threads were busy), or failed',
      labelNames: ['outcome'],
      registers,
    });
    this.#shadowAgreement = new Counter({
      name: 'edgesift_vehicle_shadow_agreement_total',
      help: 'Attributes that champion and challenger predicted, by whether they agree',
      labelNames: ['attribute', 'agrees'],
      registers,
    });
    this.#exposeDrift(registry);
  }

  /** From now on predictions are compared with these images. */
  expect(distribution: TrainingDistribution): void {
    this.#drifts.clear();
    for (const [attribute, shares] of Object.entries(distribution)) {
      this.#drifts.set(attribute, new Drift(shares));
    }
  }

  classified(result: ObservedClassification): void {
    this.#classifications.inc({ outcome: result.is_vehicle ? 'vehicle' : 'unknown' });
    for (const { code } of result.warnings) this.#warnings.inc({ code });
    if (!result.is_vehicle) return;
    for (const [attribute, { value, confidence }] of Object.entries(predictedValues(result))) {
      this.#confidence.observe({ attribute }, confidence);
      if (typeof value !== 'string') continue;
      this.#predictions.inc({ attribute, label: value });
      this.#drifts.get(attribute)?.add(value);
    }
  }

  shadowRun(outcome: ShadowOutcome): void {
    this.#shadowRuns.inc({ outcome });
  }

  /** Compares two models' results for one image; what one of them cannot predict is passed over. */
  compared(champion: ObservedClassification, challenger: ObservedClassification): void {
    const agreement = (attribute: string, agrees: boolean) =>
      this.#shadowAgreement.inc({ attribute, agrees: String(agrees) });
    agreement('is_vehicle', champion.is_vehicle === challenger.is_vehicle);
    if (!champion.is_vehicle || !challenger.is_vehicle) return;
    const others = predictedValues(challenger);
    for (const [attribute, { value }] of Object.entries(predictedValues(champion))) {
      const other = others[attribute]?.value;
      if (typeof value === 'string' && other !== undefined) agreement(attribute, value === other);
    }
  }

  #exposeDrift(registry: Registry): void {
    const drifts = this.#drifts;
    new Gauge({
      name: 'edgesift_vehicle_drift',
      help: 'Population stability index of the latest 2000 predictions against the training images, by attribute: from 0.1 on a change, from 0.25 on a large one',
      labelNames: ['attribute'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [attribute, { index }] of drifts) {
          if (index !== undefined) this.set({ attribute }, index);
        }
      },
    });
  }
}

/** Value and confidence of the exact class and of every attribute. */
export function predictedValues({
  predictions,
  class: exact,
}: ObservedClassification): Record<string, { value: string | number; confidence: number }> {
  const all = [...(exact ? [['class', exact] as const] : []), ...Object.entries(predictions)];
  return Object.fromEntries(
    all.map(([name, { predicted_value: value, confidence }]) => [name, { value, confidence }]),
  );
}
