import { asServiceError, ServiceError } from '../../shared/contract/errors.ts';
import type { CacheTier } from '../../shared/contract/responses.ts';
import type { TraceContext } from '../../shared/contract/trace-context.ts';
import {
  type VehicleModel,
  type VehicleOptions,
  type VehicleRecord,
  type VehicleState,
  vehicleKey,
} from '../../shared/contract/vehicles.ts';
import { LAST_DELETION_KEY } from '../../shared/records/feature-records.ts';
import { type VehicleRecords, vehicleRecordKey } from '../../shared/records/vehicle-records.ts';
import type { OriginClient } from '../features/origin-client.ts';
import { logWarning } from '../observability/log.ts';
import type { Timing } from '../observability/timing.ts';
import { type RedisClient, RedisUnavailable } from '../redis/redis-client.ts';
import { SingleFlight } from '../resilience/single-flight.ts';
import type { VehicleMemory } from './vehicle-memory.ts';

export interface VehicleQuery {
  /** Lower-case hexadecimal SHA-256 of the image file. */
  sha256: string;
  options: VehicleOptions;
  timing: Timing;
}

export interface VehicleUpload extends VehicleQuery {
  bytes: Uint8Array<ArrayBuffer>;
  digest: Uint8Array;
  requestId: string;
  /** Whose job it is. */
  client: string;
  trace: TraceContext;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
  /** As of features: called before what may have to be computed. */
  reserveWork: () => () => void;
  /** Keeps the platform from ending work that nobody awaits. */
  keepAlive: (work: Promise<unknown>) => void;
}

export interface FoundVehicle {
  record: VehicleRecord;
  /** Tier that had the result; null when it was computed for this request. */
  tier: CacheTier | null;
}

/** After so long the model of the origin is read again. */
const MODEL_FRESH_MS = 30_000;
/** The same where the origin has never responded. */
const NO_MODEL_FRESH_MS = 1_000;
const MODEL_TIMEOUT_MS = 2_000;

/** Classifications by the key of their image: from this isolate's memory, else from Redis, else from the origin. */
export class VehicleSource {
  readonly #memory: VehicleMemory;
  readonly #redis: RedisClient;
  readonly #records: VehicleRecords;
  readonly #origin: OriginClient;
  readonly #redisTimeoutMs: number;
  readonly #ttlSeconds: number;
  readonly #longestWaitMs: number;
  readonly #flights: SingleFlight<FoundVehicle>;
  #state: VehicleState | undefined;
  #stateAt = 0;

  constructor(options: {
    memory: VehicleMemory;
    redis: RedisClient;
    records: VehicleRecords;
    origin: OriginClient;
    redisTimeoutMs: number;
    ttlSeconds: number;
    longestWaitMs: number;
  }) {
    this.#memory = options.memory;
    this.#redis = options.redis;
    this.#records = options.records;
    this.#origin = options.origin;
    this.#redisTimeoutMs = options.redisTimeoutMs;
    this.#ttlSeconds = options.ttlSeconds;
    this.#longestWaitMs = options.longestWaitMs;
    this.#flights = new SingleFlight(options.longestWaitMs);
  }

  /**
   * What the origin says of its model, at most {@link MODEL_FRESH_MS} ago unless the origin is not reachable; undefined
   * where it never could.
   */
  async state(): Promise<VehicleState | undefined> {
    const freshMs = this.#state ? MODEL_FRESH_MS : NO_MODEL_FRESH_MS;
    if (Date.now() - this.#stateAt < freshMs) return this.#state;
    const state = await this.#origin.vehicleState(MODEL_TIMEOUT_MS);
    if (state) this.#state = state;
    // Also after a failure: an origin that is gone is not called with every request.
    this.#stateAt = Date.now();
    return this.#state;
  }

  /**
   * The model whose name is part of every key; undefined where the origin is not reachable.
   *
   * @throws ServiceError `SERVICE_NOT_READY` where there is none
   */
  async model(): Promise<VehicleModel | undefined> {
    const state = await this.state();
    if (state?.status === 'unavailable') throw new ServiceError('SERVICE_NOT_READY', state.reason);
    return state?.model;
  }

  /**
   * What the caches have; undefined where they have nothing.
   *
   * @throws ServiceError `SERVICE_NOT_READY` when the cache or the model's name cannot be requested
   */
  async find(query: VehicleQuery): Promise<FoundVehicle | undefined> {
    const model = await this.model();
    if (!model) throw unreachable('The vehicle classifier cannot be reached at the moment.');
    try {
      return await this.#findCached(model, query);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      const stale = this.#peekStale(model, query);
      if (stale) return stale;
      throw unreachable('The cache cannot be reached at the moment.');
    }
  }

  /**
   * What the caches have, else what the origin computes and shares with all edges. Simultaneous uploads of one image
   * share one classification.
   *
   * @throws ServiceError what the origin says, `SERVICE_TIMEOUT`
   */
  async obtain(upload: VehicleUpload): Promise<FoundVehicle> {
    const model = await this.model();
    const near = model && this.#peek(model, upload);
    if (near) return near;
    const giveBack = upload.reserveWork();
    try {
      const found = await this.#obtainFar(model, upload);
      if (found.tier) giveBack();
      return found;
    } catch (error) {
      // What a client's own image makes fail has taken its work.
      if (asServiceError(error).status >= 500) giveBack();
      throw error;
    }
  }

  async #obtainFar(model: VehicleModel | undefined, upload: VehicleUpload): Promise<FoundVehicle> {
    // The platform may end the request that does the work midway: a request that waits for it needs its own limit.
    const timeout = AbortSignal.timeout(this.#longestWaitMs);
    const caller = { signal: AbortSignal.any([upload.signal, timeout]), keepAlive: upload.keepAlive };
    const flight = vehicleKey(model?.version ?? '', upload.options, upload.sha256);
    const isLeader = !this.#flights.has(flight);
    const run = () =>
      this.#flights.run(flight, (signal) => this.#findOrClassify(model, upload, signal), caller);
    try {
      return isLeader ? await run() : await upload.timing.measure('origin', run);
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new ServiceError('SERVICE_TIMEOUT', 'The result was not ready in time.', { cause: error });
    }
  }

  async #findOrClassify(
    model: VehicleModel | undefined,
    upload: VehicleUpload,
    signal: AbortSignal,
  ): Promise<FoundVehicle> {
    const found = model && (await this.#findOrMiss(model, upload));
    return found ?? this.#classify(upload, signal);
  }

  /** Forgets one classification, or all. */
  forget(key: string): void {
    this.#memory.delete(key);
  }

  forgetAll(): void {
    this.#memory.clear();
  }

  /** Without Redis every image is a miss that this isolate has not kept. */
  async #findOrMiss(model: VehicleModel, query: VehicleQuery): Promise<FoundVehicle | undefined> {
    try {
      return await this.#findCached(model, query);
    } catch (error) {
      if (error instanceof RedisUnavailable) return this.#peekStale(model, query);
      throw error;
    }
  }

  async #findCached(model: VehicleModel, query: VehicleQuery): Promise<FoundVehicle | undefined> {
    const near = this.#peek(model, query);
    if (near) return near;
    const key = vehicleKey(model.version, query.options, query.sha256);
    const { record: stored, lastDeletionAt } = await query.timing.measure('cache', () =>
      this.#readRedis(key),
    );
    const record = stored ?? this.#memory.getLost(key, lastDeletionAt);
    // Of another file that was given the same version.
    if (record?.classifier.sha256 !== model.sha256) return undefined;
    if (!stored) return { record, tier: 'memory' };
    this.#memory.put(record);
    return { record, tier: 'redis' };
  }

  #peek(model: VehicleModel, { options, sha256 }: VehicleQuery): FoundVehicle | undefined {
    const record = this.#memory.get(vehicleKey(model.version, options, sha256));
    return record?.classifier.sha256 === model.sha256 ? { record, tier: 'memory' } : undefined;
  }

  #peekStale(model: VehicleModel, { options, sha256 }: VehicleQuery): FoundVehicle | undefined {
    const record = this.#memory.getStale(vehicleKey(model.version, options, sha256));
    return record?.classifier.sha256 === model.sha256 ? { record, tier: 'memory' } : undefined;
  }

  /** The record, and when results were last deleted on purpose: what Redis has lost by itself may be kept here. */
  async #readRedis(key: string): Promise<{ record: VehicleRecord | undefined; lastDeletionAt: number }> {
    const keys = [vehicleRecordKey(key), LAST_DELETION_KEY];
    const [text, deletion] = await this.#redis.getMany(keys, this.#redisTimeoutMs);
    const lastDeletionAt = Number(deletion ?? 0);
    if (!text) return { record: undefined, lastDeletionAt };
    const record = await this.#records.read(key, text);
    if (!record) logWarning('cache record damaged', { key });
    return { record: record && record.expires_at > Date.now() ? record : undefined, lastDeletionAt };
  }

  async #classify(upload: VehicleUpload, signal: AbortSignal): Promise<FoundVehicle> {
    const { record, serverTiming } = await upload.timing.measure('origin', () =>
      this.#origin.classify({ ...upload, signal, ttlSeconds: this.#ttlSeconds }),
    );
    upload.timing.append(serverTiming);
    const asked = vehicleKey(record.classifier.version, upload.options, upload.sha256);
    if (record.key !== asked || record.image.sha256 !== upload.sha256) {
      throw new ServiceError('ORIGIN_UNAVAILABLE', 'The vehicle classifier returned an invalid response.', {
        cause: 'the classification is of another image, or with other options',
      });
    }
    // Another model is served meanwhile: its name is part of the next key.
    if (this.#state?.status === 'ready' && this.#state.model.sha256 !== record.classifier.sha256) {
      this.#stateAt = 0;
    }
    this.#memory.put(record);
    return { record, tier: null };
  }
}

function unreachable(message: string): ServiceError {
  return new ServiceError('SERVICE_NOT_READY', message, { retryAfterSeconds: 2 });
}
