/** A worker of bulk jobs: takes shards from the queue and extracts the features of their images. */
import closeWithGrace from 'close-with-grace';
import { SettingsError } from '../shared/settings.ts';
import { parseWorkerConfiguration } from './bulk/configuration.ts';
import { connectToNats, ShardQueue } from './bulk/queue.ts';
import { ShardWorker } from './bulk/shard-worker.ts';
import { Slots } from './bulk/slots.ts';
import { loadNativeAddon } from './native/addon.ts';
import { createLogger } from './observability/logging.ts';
import { createMetrics } from './observability/metrics.ts';
import { ExtractionPool } from './scheduler/pool.ts';
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

async function work(configuration: ReturnType<typeof parseWorkerConfiguration>): Promise<void> {
  const { queue: queueOptions, origin } = configuration;
  const { engine, threads, memoryBytes, limits } = origin;
  const logger = createLogger(origin.logLevel).child({ service: 'worker' });
  const { engine: extractor } = loadNativeAddon(engine);
  const images = threads + IMAGES_ON_THEIR_WAY;
  const script = new URL('./jobs/thread-entry.ts', import.meta.url);
  const pool = new ExtractionPool(
    { threads, memoryBytes, queueLength: images, script, engine, jobTimeoutMs: origin.timeoutMs },
    createMetrics().observer,
  );
  const connection = await connectToNats(queueOptions, 'edgesift-worker');
  const worker = new ShardWorker({
    stores: new Stores(configuration.stores),
    web: new Web({ timeoutMs: IMAGE_TIMEOUT_MS }),
    pool,
    extractor,
    engine,
    limits,
    queue: new ShardQueue(connection, queueOptions),
    logger,
    ackWaitMs: queueOptions.ackWaitMs,
    slots: new Slots(images),
  });
  closeWithGrace(
    {
      delay: STOP_TIMEOUT_MS,
      logger: false,
      // Native crashes must end the process: a handler would return to the faulting instruction, for ever.
      skip: ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGTRAP', 'beforeExit'],
      onTimeout: () => process.kill(process.pid, 'SIGKILL'),
    },
    async ({ err }) => {
      if (err) logger.fatal({ err }, 'stopping after an unexpected error');
      await worker.stop();
      await connection.close();
      await pool.close();
      logger.info('stopped');
    },
  );
  worker.start();
  logger.info({ extractor, threads, memory_bytes: memoryBytes }, 'ready');
}
