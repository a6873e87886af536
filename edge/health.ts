import type { HealthAnswer } from '../shared/contract/answers.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../shared/service.ts';
import type { FeatureCache } from './cache/feature-cache.ts';
import type { OriginClient } from './origin-client.ts';

const ORIGIN_TIMEOUT_MS = 1_000;
/** How long an answer stands, so that health checks cannot be used to flood origin and Redis. */
const FRESH_MS = 1_000;

/** Looks at what the edge depends on. Without the origin there are no features; without Redis, just slower ones. */
export class Health {
  readonly #cache: FeatureCache;
  readonly #origin: OriginClient;
  #startedAt: number | undefined;
  #latest: { answer: HealthAnswer; at: number } | undefined;

  constructor(options: { cache: FeatureCache; origin: OriginClient }) {
    this.#cache = options.cache;
    this.#origin = options.origin;
  }

  async check(): Promise<HealthAnswer> {
    const now = Date.now();
    // Workers have no clock before the first request.
    this.#startedAt ??= now;
    if (this.#latest && now - this.#latest.at < FRESH_MS) return this.#latest.answer;
    const [cacheConnected, origin] = await Promise.all([
      this.#cache.isConnected(),
      this.#origin.state(ORIGIN_TIMEOUT_MS),
    ]);
    const ready = origin?.status === 'ready';
    const answer: HealthAnswer = {
      status: ready ? (cacheConnected ? 'healthy' : 'degraded') : 'unhealthy',
      service: SERVICE_NAME,
      version: SERVICE_VERSION,
      feature_detector_ready: ready,
      cache_connected: cacheConnected,
      uptime_seconds: (now - this.#startedAt) / 1000,
    };
    this.#latest = { answer, at: Date.now() };
    return answer;
  }
}
