import {
  type ConfidenceLevel,
  confidenceLevel,
  type VehicleAttribute,
  type VehicleData,
  type VehicleReport,
  vehicleAttributeSchema,
} from '../../shared/contract/vehicles.ts';
import { clientName } from '../../shared/origin-protocol.ts';
import { reportRecordKey, type VehicleRecords } from '../../shared/records/vehicle-records.ts';
import { logWarning } from '../observability/log.ts';
import { type RedisClient, RedisUnavailable } from '../redis/redis-client.ts';
import type { VehicleMemory } from './vehicle-memory.ts';

/** For how long reports are kept, in seconds. */
const REPORT_TTL_S = 3600;
const WRITE_TIMEOUT_MS = 2_000;

/** Reports under their vehicle id and the API key that made them, for an hour. */
export class VehicleReports {
  readonly #memory: VehicleMemory;
  readonly #redis: RedisClient;
  readonly #records: VehicleRecords;
  readonly #timeoutMs: number;

  constructor(options: {
    memory: VehicleMemory;
    redis: RedisClient;
    records: VehicleRecords;
    timeoutMs: number;
  }) {
    this.#memory = options.memory;
    this.#redis = options.redis;
    this.#records = options.records;
    this.#timeoutMs = options.timeoutMs;
  }

  /** How many this isolate holds. */
  get count(): number {
    return this.#memory.reports;
  }

  /**
   * Keeps a report; one that Redis does not take is found by this isolate alone.
   *
   * @param apiKeyId undefined where no key is required: all such callers share their reports
   */
  async keep(apiKeyId: string | undefined, report: VehicleReport): Promise<void> {
    const owner = await ownerOf(apiKeyId);
    this.#memory.putReport(reportRecordKey(owner, report.vehicle_id), report);
    try {
      const [key, value] = await this.#records.writeReport(owner, report);
      await this.#redis.pipeline(
        (pipeline) => pipeline.set(key, value, { ex: REPORT_TTL_S }),
        WRITE_TIMEOUT_MS,
      );
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      logWarning('report not stored in Redis', { reason: error.message });
    }
  }

  /** Undefined where there is none, and where there is one of another API key. Another isolate may have a newer one. */
  async find(apiKeyId: string | undefined, vehicleId: string): Promise<VehicleReport | undefined> {
    const owner = await ownerOf(apiKeyId);
    const place = reportRecordKey(owner, vehicleId);
    try {
      const [text] = await this.#redis.getMany([place], this.#timeoutMs);
      const report = text ? await this.#records.readReport(owner, vehicleId, text) : undefined;
      return report ?? this.#memory.getReport(place);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return this.#memory.getReport(place);
    }
  }
}

/** A digest, so that Redis does not contain the ids of API keys. */
function ownerOf(apiKeyId: string | undefined): Promise<string> {
  return clientName(
    apiKeyId === undefined ? 'vehicle reports without a key' : `vehicle reports of ${apiKeyId}`,
  );
}

/** The report on a classification. */
export function reportOf(data: VehicleData, vehicleId: string): VehicleReport {
  const now = Date.now();
  return {
    vehicle_id: vehicleId,
    report_date: new Date(now).toISOString(),
    classification_results: data,
    summary: summaryOf(data),
    confidence_score: data.overall_confidence,
    recommendations: recommendationsFor(data),
    metadata: {
      confidence_level: confidenceLevel(data.overall_confidence),
      levels: levelsOf(data),
      expires_at: new Date(now + 1000 * REPORT_TTL_S).toISOString(),
      model_card: data.links.model,
    },
  };
}

function levelsOf({ predictions }: VehicleData): Partial<Record<VehicleAttribute, ConfidenceLevel>> {
  const levels: Partial<Record<VehicleAttribute, ConfidenceLevel>> = {};
  for (const name of vehicleAttributeSchema.options) {
    const prediction = predictions[name];
    if (prediction) levels[name] = confidenceLevel(prediction.confidence);
  }
  return levels;
}

export const LABELS: Record<VehicleAttribute, string> = {
  make: 'Make',
  model: 'Model',
  type: 'Body type',
  color: 'Colour',
  decade: 'Decade',
  country: 'Country of the brand',
  condition: 'Condition',
  stock_or_moded: 'Stock or modified',
  functional_utility: 'Functional utility',
};

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)} %`;
}

function summaryOf(data: VehicleData): string {
  if (!data.is_vehicle) {
    const shown = percent(data.vehicle_probability);
    return `The image does not seem to show a vehicle (probability ${shown}). Nothing is predicted.`;
  }
  const { class: exact, predictions } = data;
  const sentences = [
    ...(exact
      ? [`The vehicle is most likely a ${exact.predicted_value} (${percent(exact.confidence)}).`]
      : []),
    ...(['type', 'color', 'decade'] as const).flatMap((name) => {
      const prediction = predictions[name];
      if (!prediction) return [];
      return [`${LABELS[name]}: ${prediction.predicted_value} (${percent(prediction.confidence)}).`];
    }),
    `Overall confidence is ${confidenceLevel(data.overall_confidence).toLowerCase()} (${percent(data.overall_confidence)}).`,
  ];
  return sentences.join(' ');
}

function recommendationsFor(data: VehicleData): string[] {
  const warnings = data.warnings.map(({ message }) => message);
  if (!data.is_vehicle) {
    return [...warnings, 'Send an image of one vehicle, or say by box where the vehicle is.'];
  }
  const doubtful = Object.values(data.predictions).filter(({ confidence }) => confidence < 0.6);
  const checks = doubtful.map(({ attribute_name: name, confidence }) => {
    return `Have a person check the attribute "${LABELS[name]}": its confidence is ${percent(confidence)}.`;
  });
  const place =
    data.box_source === 'found' && data.overall_confidence < 0.8
      ? ['The vehicle was searched for: give a box around it for a more reliable result.']
      : [];
  const all = [...warnings, ...checks, ...place];
  return all.length > 0
    ? all
    : ['All attributes are confident: no further check is needed for everyday use.'];
}
