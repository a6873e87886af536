/** A worker of bulk jobs: takes shards from the queue and extracts the features of their images. */
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { FeatureRecords } from '../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../shared/records/record-authenticator.ts';
import { SettingsError } from '../shared/settings.ts';
import { parseWorkerConfiguration, type WorkerConfiguration } from './bulk/configuration.ts';
import { connectToNats, ShardQueue, watchConnection } from './bulk/queue.ts';
import { ShardWorker } from './bulk/shard-worker.ts';
import { Slots } from './bulk/slots.ts';
import { createWorkerApp } from './bulk/worker-app.ts';
import { createWorkerMetrics, exposeWorkerState } from './bulk/worker-metrics.ts';
import { RecordReader } from './cache/record-reader.ts';
import { createRedisStore } from './cache/redis-store.ts';
import './decode/restrict-libvips.ts';
import { endWhenStalled } from './end-when-stalled.ts';
import { loadNativeAddon } from './native/addon.ts';
import { importNodeHmacKey, nodeSha256 } from './node-crypto.ts';
import { createLogger } from './observability/logging.ts';
import { ExtractionPool } from './scheduler/pool.ts';
import { allowing } from './storage/public-address.ts';
import { Stores } from './storage/stores.ts';
import { Web } from './storage/web.ts';

/** Less than the 30 s after which Kubernetes kills. */
const STOP_TIMEOUT_MS = 25_000;
const IMAGE_TIMEOUT_MS = 30_000;
/** Beyond one image for each thread: those that are fetched or written meanwhile. */
const IMAGES_ON_THEIR_WAY = 4;

try {
  await work(parseWorkerConfiguration(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof SettingsError ? error.message : error}\n`);
  process.exit(1);
}

async function work(configuration: WorkerConfiguration): Promise<void> {
  const { queue: queueOptions, origin, listen } = configuration;
  const { engine, threads, memoryBytes, limits } = origin;
  const logger = createLogger(origin.logLevel, undefined, 'worker');
  const { engine: extractor } = loadNativeAddon(engine);
  const images = threads + IMAGES_ON_THEIR_WAY;
  const script = new URL('./jobs/thread-entry.ts', import.meta.url);
  const metrics = createWorkerMetrics();
  const pool = new ExtractionPool(
    { threads, memoryBytes, queueLength: images, script, engine, jobTimeoutMs: origin.timeoutMs },
    {
      ...metrics.observer,
      threadEnded: (cause) => {
        metrics.observer.threadEnded(cause);
        logger.error({ err: cause }, 'a worker thread ended and will be replaced');
      },
    },
  );
  endWhenStalled(pool, logger);
  const connection = await connectToNats(queueOptions, 'edgesift-worker');
  const isConnected = watchConnection(connection);
  exposeWorkerState(metrics.registry, pool, isConnected);
  const cache = createCache(configuration, logger);
  const worker = new ShardWorker({
    stores: new Stores(configuration.stores),
    web: new Web({ timeoutMs: IMAGE_TIMEOUT_MS, isAllowed: allowing(configuration.networks) }),
    pool,
    extractor,
    engine,
    limits,
    cache,
    metrics,
    queue: new ShardQueue(connection, queueOptions),
    logger,
    ackWaitMs: queueOptions.ackWaitMs,
    slots: new Slots(images),
  });
  const app = listen && createWorkerApp({ pool, registry: metrics.registry, isConnected, logger });
  closeWithGrace(
    {
      delay: STOP_TIMEOUT_MS,
      logger: false,
      // Native crashes must end the process: a handler would return to the faulting instruction, again and again.
      skip: ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGTRAP', 'beforeExit'],
      onTimeout: () => process.kill(process.pid, 'SIGKILL'),
    },
    async ({ err }) => {
      if (err) logger.fatal({ err }, 'stopping after an unexpected error');
      await worker.stop();
      await connection.close();
      await pool.close();
      cache?.close();
      await app?.close();
      logger.info('stopped');
    },
  );
  await app?.listen(listen);
  worker.start();
  logger.info({ extractor, threads, memory_bytes: memoryBytes }, 'ready');
}

function createCache({ cache }: WorkerConfiguration, logger: Logger): RecordReader | undefined {
  if (!cache) return undefined;
  return new RecordReader({
    records: new FeatureRecords(new RecordAuthenticator(cache.secrets, importNodeHmacKey), nodeSha256),
    source: createRedisStore(cache.url, { waits: true }),
    onFailure: (err) => logger.warn({ err }, 'results are not looked up in Redis at the moment'),
  });
}
