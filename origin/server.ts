import type { Logger } from 'pino';
import { importOriginSecret } from '../shared/origin-protocol.ts';
import { FeatureRecords } from '../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../shared/records/record-authenticator.ts';
import { VehicleRecords } from '../shared/records/vehicle-records.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../shared/service.ts';
import { SettingsError } from '../shared/settings.ts';
import { SpanExporter, type SpanExporterOptions } from '../shared/tracing/span-exporter.ts';
import { createOriginApp } from './app.ts';
import { RecordWriter } from './cache/record-writer.ts';
import { createRedisStore } from './cache/redis-store.ts';
import { createRestStore } from './cache/rest-store.ts';
import { type OriginConfiguration, parseConfiguration } from './configuration.ts';
import { endWhenStalled } from './end-when-stalled.ts';
import { InFlight } from './http/in-flight.ts';
import { UploadMemory } from './http/upload-memory.ts';
import { Shadow } from './jobs/shadow.ts';
import { createMetricsApp } from './metrics-app.ts';
import './decode/restrict-libvips.ts';
import { loadNativeAddon } from './native/addon.ts';
import { importNodeHmacKey, nodeSha256 } from './node-crypto.ts';
import { logDestination } from './observability/log-file.ts';
import { createLogger } from './observability/logging.ts';
import { createMetrics, exposeState, type OriginMetrics } from './observability/metrics.ts';
import { spanTransport } from './observability/tracing.ts';
import { ExtractionPool } from './scheduler/pool.ts';
import { stopGracefully } from './stop.ts';
import { findServedModel, type ServedModel } from './vehicles/serving.ts';

try {
  await serve(parseConfiguration(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof SettingsError ? error.message : error}\n`);
  process.exit(1);
}

async function serve(configuration: OriginConfiguration): Promise<void> {
  const { collector, threads, engine, memoryBytes, queueLength, uploadBytes, limits, timeoutMs } =
    configuration;
  const logger = createLogger(configuration.logLevel, logDestination(configuration.logFile));
  // Fails here, with the loader's advice, rather than again and again in the threads.
  const { engine: extractor } = loadNativeAddon(engine);
  const vehicles = await findServedModel(configuration.vehicleModels);
  if (vehicles.status === 'unavailable') {
    logger.error({ err: vehicles.cause }, 'vehicles are not classified: there is no usable model');
  }
  const challenger = await findChallenger(configuration, logger);
  const metrics = createMetrics();
  if (vehicles.status === 'ready') metrics.vehicles.expect(vehicles.served.trainingDistribution);
  const script = new URL('./jobs/thread-entry.ts', import.meta.url);
  const pool = new ExtractionPool(
    {
      threads,
      memoryBytes,
      queueLength,
      script,
      engine,
      vehicleModels: {
        ...(vehicles.status === 'ready' && { champion: vehicles.served.file }),
        ...(challenger && { challenger: challenger.file }),
      },
      jobTimeoutMs: timeoutMs,
    },
    {
      ...metrics.observer,
      threadEnded: (cause) => {
        metrics.observer.threadEnded(cause);
        logger.error({ err: cause }, 'a worker thread ended and will be replaced');
      },
    },
  );
  const uploads = new UploadMemory(uploadBytes);
  exposeState(metrics.registry, pool, uploads);
  const recordWriter = createRecordWriter(configuration, metrics, logger);
  const inFlight = new InFlight();
  const secrets = await Promise.all(
    configuration.secrets.map((secret) => importOriginSecret(secret, importNodeHmacKey)),
  );
  const app = createOriginApp({
    extractor,
    engine,
    secrets,
    limits,
    timeoutMs,
    pool,
    uploads,
    inFlight,
    metrics,
    recordWriter,
    vehicles,
    shadow:
      challenger &&
      new Shadow({
        pool,
        metrics: metrics.vehicles,
        logger,
        share: configuration.vehicleShadowShare,
        timeoutMs,
      }),
    logger,
    spans: collector ? spanExporter(collector, logger) : undefined,
  });
  const metricsApp = createMetricsApp(metrics.registry);
  endWhenStalled(pool, logger);
  stopGracefully({ app, metricsApp, inFlight, pool, recordWriter, logger });
  logger.info({ extractor, threads, memory_bytes: memoryBytes }, 'starting');
  const metricsUrl = await metricsApp.listen({ host: configuration.host, port: configuration.metricsPort });
  logger.info({ url: metricsUrl }, 'metrics');
  await app.listen({ host: configuration.host, port: configuration.port });
}

/** The model that runs in the shadow of the champion, where one is wanted. Without it everything else is served. */
async function findChallenger(
  { vehicleModels, vehicleShadowShare }: OriginConfiguration,
  logger: Logger,
): Promise<ServedModel | undefined> {
  if (vehicleShadowShare === 0) return undefined;
  const challenger = await findServedModel(vehicleModels, 'challenger');
  if (challenger.status === 'ready') return challenger.served;
  logger.warn({ err: challenger.cause }, 'no challenger runs: there is no usable model of this alias');
  return undefined;
}

/** Without a Redis results are not shared: other edges have to request them again. */
function createRecordWriter(
  { store: place, secrets }: OriginConfiguration,
  metrics: OriginMetrics,
  logger: Logger,
): RecordWriter | undefined {
  if (!place) {
    logger.warn('results are not shared with other edges: set REDIS_URL');
    return undefined;
  }
  const authenticator = new RecordAuthenticator(secrets, importNodeHmacKey);
  return new RecordWriter({
    records: new FeatureRecords(authenticator, nodeSha256),
    vehicleRecords: new VehicleRecords(authenticator),
    store: place.protocol === 'tcp' ? createRedisStore(place.url) : createRestStore(place),
    onOutcome: (outcome, reason) => {
      metrics.results.inc({ outcome });
      if (outcome === 'failed') logger.warn({ err: reason }, 'result not stored in Redis');
    },
  });
}

function spanExporter(
  collector: Pick<SpanExporterOptions, 'endpoint' | 'headers'>,
  logger: Logger,
): SpanExporter {
  return new SpanExporter({
    transport: spanTransport,
    ...collector,
    service: { name: `${SERVICE_NAME}-origin`, version: SERVICE_VERSION },
    onFailure: (reason, spans) => logger.warn({ reason, spans }, 'spans not exported'),
  });
}
