/** Redis over HTTP as a process: over the Redis at `REDIS_URL`, or over a store of its own when that is not set. */
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { readSettings, SettingsError } from '../shared/settings.ts';
import { configurationSchema } from './configuration.ts';
import { createEmbeddedBackend } from './embedded/embedded-backend.ts';
import { createRedisBackend } from './redis-backend.ts';
import { createGateway } from './server.ts';

const SHUTDOWN_MS = 3000;

/** The same form as the origin's lines. */
const logger = pino({
  base: { service: 'redis-gateway', pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});

function start() {
  const configuration = readSettings(configurationSchema, process.env);
  const backend =
    configuration.REDIS_URL === undefined
      ? createEmbeddedBackend({ maxBytes: configuration.EMBEDDED_STORE_MAX_BYTES })
      : createRedisBackend({
          url: configuration.REDIS_URL,
          onStateChange: (state, reason) => logger.info({ state, reason }, 'connection to Redis'),
        });
  const gateway = createGateway({ backend, token: configuration.REDIS_REST_TOKEN, logger });
  closeWithGrace({ delay: SHUTDOWN_MS, logger: false }, async ({ err }) => {
    if (err !== undefined) logger.fatal(err);
    await gateway.close();
  });
  return gateway.listen({ host: configuration.HOST, port: configuration.REDIS_REST_PORT });
}

try {
  await start();
} catch (error) {
  process.stderr.write(`${error instanceof SettingsError ? error.message : error}\n`);
  process.exit(1);
}
