/** The job service: takes bulk jobs in and watches over them. Workers do the work. */
import closeWithGrace from 'close-with-grace';
import { importOriginSecret } from '../shared/origin-protocol.ts';
import { SettingsError } from '../shared/settings.ts';
import { createJobServiceApp } from './bulk/app.ts';
import { parseJobServiceConfiguration } from './bulk/configuration.ts';
import { JobService } from './bulk/job-service.ts';
import { JobStore } from './bulk/job-store.ts';
import { connectToNats, ShardQueue, watchConnection } from './bulk/queue.ts';
import { importNodeHmacKey } from './node-crypto.ts';
import { createLogger } from './observability/logging.ts';
import { allowing } from './storage/public-address.ts';
import { Stores } from './storage/stores.ts';
import { Web } from './storage/web.ts';

const STOP_TIMEOUT_MS = 10_000;
const WEBHOOK_TIMEOUT_MS = 10_000;

try {
  await serve(parseJobServiceConfiguration(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof SettingsError ? error.message : error}\n`);
  process.exit(1);
}

async function serve(configuration: ReturnType<typeof parseJobServiceConfiguration>): Promise<void> {
  const { queue: queueOptions, shardImages, reconcileMs, webhookSecret } = configuration;
  const logger = createLogger(configuration.logLevel, undefined, 'job-service');
  const connection = await connectToNats(queueOptions, 'edgesift-job-service');
  const queue = new ShardQueue(connection, queueOptions);
  const stores = new Stores(configuration.stores);
  const store = new JobStore(queue, queueOptions.replicas, stores, configuration.index);
  const web = new Web({ timeoutMs: WEBHOOK_TIMEOUT_MS, isAllowed: allowing(configuration.networks) });
  const service = new JobService({
    stores,
    queue,
    store,
    web,
    logger,
    shardImages,
    reconcileMs,
    webhookSecret,
  });
  const secrets = await Promise.all(
    configuration.secrets.map((secret) => importOriginSecret(secret, importNodeHmacKey)),
  );
  const app = createJobServiceApp({ service, secrets, logger, isConnected: watchConnection(connection) });
  closeWithGrace({ delay: STOP_TIMEOUT_MS, logger: false }, async ({ err }) => {
    if (err) logger.fatal({ err }, 'stopping after an unexpected error');
    await service.close();
    app.server.closeAllConnections();
    await app.close();
    await connection.close();
    logger.info('stopped');
  });
  await app.listen({ host: configuration.host, port: configuration.port });
  await service.start();
  logger.info('ready');
}
