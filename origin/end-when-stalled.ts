import type { Logger } from 'pino';
import type { ExtractionPool } from './scheduler/pool.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Ends the process when every thread hangs in native code, so that Compose or Kubernetes starts it again. SIGKILL, because
 * a normal exit would wait for the threads.
 */
export function endWhenStalled(
  pool: Pick<ExtractionPool, 'isStalled'>,
  logger: Logger,
  end: () => void = () => process.kill(process.pid, 'SIGKILL'),
): void {
  const timer = setInterval(() => {
    if (!pool.isStalled) return;
    clearInterval(timer);
    logger.fatal('every thread hangs in native code: the process ends and has to be started again');
    end();
  }, LOOK_EVERY_MS);
  timer.unref();
}
