import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { RecordWriter } from './cache/record-writer.ts';
import type { InFlight } from './http/in-flight.ts';
import type { ExtractionPool } from './scheduler/pool.ts';

/** How long a stop waits for what is in progress: less than the 30 s after which Kubernetes kills. */
const STOP_TIMEOUT_MS = 25_000;

export interface Stoppable {
  app: FastifyInstance;
  metricsApp: FastifyInstance;
  inFlight: InFlight;
  pool: ExtractionPool;
  recordWriter?: RecordWriter | undefined;
  logger: Logger;
}

/**
 * On SIGTERM or SIGINT: refuses new extractions and says so in `/health/ready`, finishes those in progress, closes
 * and exits with 0. What is not done after {@link STOP_TIMEOUT_MS} is killed.
 */
export function stopGracefully({ app, metricsApp, inFlight, pool, recordWriter, logger }: Stoppable): void {
  const work = () => ({ queued: pool.status.queued, running: pool.status.running });
  const kill = (reason: string) => {
    logger.fatal(work(), reason);
    // process.exit() would wait for native code in the threads.
    process.kill(process.pid, 'SIGKILL');
  };
  closeWithGrace(
    {
      delay: STOP_TIMEOUT_MS,
      // Native crashes must end the process: a handler would return to the faulting instruction, again and again.
      skip: ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGTRAP', 'beforeExit'],
      onTimeout: () => kill('stopping took too long'),
      onSecondSignal: (signal) => kill(`stopping was interrupted by ${signal}`),
      onSecondError: () => kill('stopping failed'),
      logger: false,
    },
    async ({ err, signal }) => {
      if (err) logger.fatal({ err }, 'stopping after an unexpected error');
      else logger.info({ signal, ...work() }, 'stopping');
      await inFlight.stop();
      await app.close();
      await pool.close();
      await metricsApp.close();
      await recordWriter?.close();
      logger.info('stopped');
    },
  );
}
