import type { ReadyResponse } from '../../shared/contract/responses.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../../shared/service.ts';
import type { OriginClient } from '../features/origin-client.ts';
import type { RedisClient } from '../redis/redis-client.ts';

const TIMEOUT_MS = 1_000;
/** How often we look, so that health checks cannot be used to flood origin and Redis. */
const FRESH_MS = 1_000;

/** Looks at what the edge depends on. Without the origin there are no features; without Redis, just slower ones. */
export class Health {
  readonly #redis: RedisClient;
  readonly #origin: OriginClient;
  readonly #startedAt = Date.now();
  #latest: ReadyResponse | undefined;
  #lastCheckAt = 0;

  /** @param redis with a breaker of its own: a PING that succeeds says nothing of the commands that the cache needs */
  constructor(options: { redis: RedisClient; origin: OriginClient }) {
    this.#redis = options.redis;
    this.#origin = options.origin;
  }

  async check(): Promise<ReadyResponse> {
    const now = Date.now();
    // Also while another request is checking: an old result is better than many simultaneous checks.
    if (this.#latest && now - this.#lastCheckAt < FRESH_MS) return this.#latest;
    this.#lastCheckAt = now;
    const [cacheConnected, origin] = await Promise.all([
      this.#redis.ping(TIMEOUT_MS).then(
        () => true,
        () => false,
      ),
      this.#origin.state(TIMEOUT_MS),
    ]);
    const ready = origin?.status === 'ready';
    const response: ReadyResponse = {
      status: ready ? (cacheConnected ? 'healthy' : 'degraded') : 'unhealthy',
      service: SERVICE_NAME,
      version: SERVICE_VERSION,
      feature_detector_ready: ready,
      vehicle_classifier_ready: origin?.vehicles?.status === 'ready',
      cache_connected: cacheConnected,
      uptime_seconds: (now - this.#startedAt) / 1000,
    };
    this.#latest = response;
    return response;
  }
}
