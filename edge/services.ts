import { FeatureRecords } from '../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../shared/records/record-authenticator.ts';
import { VehicleRecords } from '../shared/records/vehicle-records.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../shared/service.ts';
import { SpanExporter } from '../shared/tracing/span-exporter.ts';
import { ApiKeyStore } from './access/api-key-store.ts';
import { Authenticator } from './access/authenticator.ts';
import { RateLimiter } from './access/rate-limiter.ts';
import type { Configuration } from './configuration.ts';
import { CacheAdministration } from './features/cache/cache-administration.ts';
import { FeatureCache } from './features/cache/feature-cache.ts';
import { IsolateMemory } from './features/cache/isolate-memory.ts';
import { PAYLOAD_TIMEOUT_FACTOR, RedisCache } from './features/cache/redis-cache.ts';
import { FeatureSource } from './features/feature-source.ts';
import { OriginClient } from './features/origin-client.ts';
import type { Assets } from './http/assets.ts';
import { Ingest } from './ingest/ingest.ts';
import { JobServiceClient } from './jobs/job-service-client.ts';
import { MEMORY_PLAN, openMemory, SMALL_PAYLOAD_BYTES } from './memory-plan.ts';
import type { RateLimit } from './middleware/rate-limit.ts';
import { Health } from './observability/health.ts';
import { logWarning } from './observability/log.ts';
import { RequestLog } from './observability/request-log.ts';
import { spanTransport } from './observability/span-transport.ts';
import { Stats } from './observability/stats.ts';
import { createRedisClient, type RedisClient } from './redis/redis-client.ts';
import { CircuitBreaker } from './resilience/circuit-breaker.ts';
import { ResponseMemory } from './resilience/response-memory.ts';
import { VehicleMemory } from './vehicles/vehicle-memory.ts';
import { VehicleReports } from './vehicles/vehicle-reports.ts';
import { VehicleSource } from './vehicles/vehicle-source.ts';

/** Dependencies of the routes; made once per isolate by {@link createServices}. */
export interface Services {
  features: FeatureSource;
  vehicles: VehicleSource;
  vehicleReports: VehicleReports;
  health: Health;
  origin: OriginClient;
  jobs: JobServiceClient;
  ingest: Ingest;
  /** Memory of payloads that clients read. */
  responses: ResponseMemory;
  /** Memory of payloads that are matched; `small` for payloads of up to `SMALL_PAYLOAD_BYTES`. */
  matches: { small: ResponseMemory; large: ResponseMemory };
  stats: Stats;
  log: RequestLog;
  tracing: Tracing;
  assets: Assets;
  cacheAdministration: CacheAdministration;
  access: AccessRules;
}

/** Which traces are recorded, and where their spans go. */
export interface Tracing {
  /** Share of the traces that begin here, 0 to 1. */
  sampleRate: number;
  spans: SpanExporter | undefined;
}

/** Access: which clients may call which routes, and how often. */
export interface AccessRules {
  authenticator: Authenticator;
  /** Whether all of `/api/` takes an API key; what administers takes one always. */
  requireApiKey: boolean;
  /** Undefined for no limit. */
  rateLimit: RateLimit | undefined;
  /** Origins of the pages that may call the API from a browser; `*` for any. */
  corsOrigins: readonly string[];
}

const MARGIN_MS = 500;

/** Longer than for the cache: without its key a request cannot be served. */
const KEY_LOOK_UP_TIMEOUT_MS = 2_000;

/** Puts the parts together, once per isolate. */
export function createServices(configuration: Configuration, assets: Assets): Services {
  const { REDIS_TIMEOUT_MS, ORIGIN_TIMEOUT_MS } = configuration;
  const nearFeatures = new IsolateMemory(MEMORY_PLAN.caches.features);
  const nearVehicles = new VehicleMemory({
    recordBytes: MEMORY_PLAN.caches.vehicles,
    reportBytes: MEMORY_PLAN.vehicleReports,
  });
  const memory = openMemory([nearFeatures, nearVehicles]);
  const [signingSecret = ''] = configuration.ORIGIN_SECRET;
  const redisCache = new RedisCache({
    redis: connectToRedis(configuration),
    records: new FeatureRecords(new RecordAuthenticator(configuration.ORIGIN_SECRET)),
    timeoutMs: REDIS_TIMEOUT_MS,
    payloads: memory.payloads,
  });
  const cache = new FeatureCache(nearFeatures, redisCache);
  const guardRedis = connectToRedis(configuration);
  const origin = new OriginClient({
    url: configuration.ORIGIN_URL,
    secret: signingSecret,
    timeoutMs: ORIGIN_TIMEOUT_MS,
    breaker: new CircuitBreaker({ failureThreshold: 5, cooldownMs: 2_000 }),
    responses: memory.payloads,
  });
  return {
    features: new FeatureSource({
      cache,
      origin,
      extractor: configuration.EXTRACTOR,
      ttlSeconds: configuration.CACHE_TTL,
      // A payload may take two look-ups before the origin is called.
      longestWaitMs: ORIGIN_TIMEOUT_MS + 2 * PAYLOAD_TIMEOUT_FACTOR * REDIS_TIMEOUT_MS + MARGIN_MS,
    }),
    ...vehicleServices(configuration, origin, nearVehicles),
    health: new Health({ redis: connectToRedis(configuration), origin }),
    origin,
    jobs: new JobServiceClient({
      url: configuration.JOBS_URL,
      secret: signingSecret,
      timeoutMs: ORIGIN_TIMEOUT_MS,
    }),
    responses: new ResponseMemory(memory.responses),
    matches: {
      small: new ResponseMemory(memory.smallMatches, SMALL_PAYLOAD_BYTES),
      large: new ResponseMemory(memory.matches),
    },
    ingest: new Ingest(
      {
        maxBytes: configuration.MAX_IMAGE_BYTES,
        maxPixels: configuration.MAX_IMAGE_PIXELS,
        timeoutMs: configuration.UPLOAD_TIMEOUT_MS,
      },
      memory.uploads,
    ),
    stats: new Stats(connectToRedis(configuration)),
    log: new RequestLog(configuration.LOG_SAMPLE_RATE),
    tracing: tracingOf(configuration),
    assets,
    cacheAdministration: new CacheAdministration(guardRedis),
    access: accessRules(configuration, guardRedis),
  };
}

function vehicleServices(
  configuration: Configuration,
  origin: OriginClient,
  memory: VehicleMemory,
): Pick<Services, 'vehicles' | 'vehicleReports'> {
  const { REDIS_TIMEOUT_MS, ORIGIN_TIMEOUT_MS } = configuration;
  const redis = connectToRedis(configuration);
  const records = new VehicleRecords(new RecordAuthenticator(configuration.ORIGIN_SECRET));
  return {
    vehicles: new VehicleSource({
      memory,
      redis,
      records,
      origin,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      ttlSeconds: configuration.CACHE_TTL,
      longestWaitMs: ORIGIN_TIMEOUT_MS + REDIS_TIMEOUT_MS + MARGIN_MS,
    }),
    vehicleReports: new VehicleReports({ memory, redis, records, timeoutMs: REDIS_TIMEOUT_MS }),
  };
}

/** Without a collector no trace is recorded for one. */
function tracingOf(configuration: Configuration): Tracing {
  const endpoint = configuration.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) return { sampleRate: 0, spans: undefined };
  const spans = new SpanExporter({
    transport: spanTransport,
    endpoint,
    headers: configuration.OTEL_EXPORTER_OTLP_HEADERS,
    service: { name: `${SERVICE_NAME}-edge`, version: SERVICE_VERSION },
    onFailure: (reason, lost) => logWarning('spans not exported', { reason, spans: lost }),
  });
  return { sampleRate: configuration.OTEL_TRACES_SAMPLER_ARG, spans };
}

function accessRules(configuration: Configuration, redis: RedisClient): AccessRules {
  const { RATE_LIMIT: limit, RATE_LIMIT_WINDOW_S: windowSeconds } = configuration;
  return {
    authenticator: new Authenticator(new ApiKeyStore(redis, KEY_LOOK_UP_TIMEOUT_MS)),
    requireApiKey: configuration.REQUIRE_API_KEY,
    rateLimit:
      limit === 0
        ? undefined
        : {
            limiter: new RateLimiter({ limit, windowSeconds }, redis),
            missCost: configuration.RATE_LIMIT_MISS_COST,
            addressHeader: configuration.CLIENT_ADDRESS_HEADER,
          },
    corsOrigins: configuration.CORS_ORIGINS,
  };
}

/** Every client has a breaker of its own: they ask for different things with different patience. */
function connectToRedis(configuration: Configuration): RedisClient {
  return createRedisClient({
    url: configuration.UPSTASH_REDIS_REST_URL,
    token: configuration.UPSTASH_REDIS_REST_TOKEN,
    breaker: new CircuitBreaker({ failureThreshold: 3, cooldownMs: 2_000 }),
  });
}
