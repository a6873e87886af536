import type { Logger } from 'pino';
import { importOriginSecret } from '../shared/origin-protocol.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../shared/service.ts';
import { SettingsError } from '../shared/settings.ts';
import { SpanExporter, type SpanExporterOptions } from '../shared/tracing/span-exporter.ts';
import { createOriginApp } from './app.ts';
import { type OriginConfiguration, parseConfiguration } from './configuration.ts';
import { InFlight } from './http/in-flight.ts';
import { UploadMemory } from './http/upload-memory.ts';
import { loadNativeAddon } from './native/addon.ts';
import { logDestination } from './observability/log-file.ts';
import { createLogger } from './observability/logging.ts';
import { createMetrics, exposeState } from './observability/metrics.ts';
import { spanTransport } from './observability/tracing.ts';
import { ExtractionPool } from './scheduler/pool.ts';
import { stopGracefully } from './stop.ts';

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
  const metrics = createMetrics();
  const script = new URL('./jobs/thread-entry.ts', import.meta.url);
  const pool = new ExtractionPool(
    { threads, memoryBytes, queueLength, script, engine, jobTimeoutMs: timeoutMs },
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
  const inFlight = new InFlight();
  const secrets = await Promise.all(configuration.secrets.map(importOriginSecret));
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
    logger,
    spans: collector ? spanExporter(collector, logger) : undefined,
  });
  stopGracefully({ app, inFlight, pool, logger });
  logger.info({ extractor, threads, memory_bytes: memoryBytes }, 'starting');
  await app.listen({ host: configuration.host, port: configuration.port });
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
