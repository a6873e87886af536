import path from 'node:path';
import pino from 'pino';
import { createStream } from 'rotating-file-stream';
import * as z from 'zod';

/** Phases and results of a run: JSON lines in a file that rotates at 10 MB, and lines for people on standard error. */
export interface RunLog {
  /** Runs one phase and writes down how long it took. */
  phase<Result>(name: string, work: () => Promise<Result> | Result): Promise<Result>;
  progress(done: number, total: number): void;
  note(message: string, fields?: Record<string, unknown>): void;
  close(): Promise<void>;
}

const BAR_WIDTH = 30;
const PROGRESS_INTERVAL_MS = 1000;

/** @param file such as `logs/training.log` */
export function openRunLog(file: string): RunLog {
  const { dir, base } = path.parse(file);
  const stream = createStream((index, rotation) => (index === null ? base : `${base}.${rotation ?? index}`), {
    path: dir || '.',
    size: '10M',
    rotate: 10,
  });
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  let shown = 0;
  const say = (text: string) => process.stderr.write(text);
  return {
    async phase(name, work) {
      const started = performance.now();
      say(`${name}\n`);
      logger.info({ phase: name }, 'started');
      const result = await work();
      const seconds = Math.round(performance.now() - started) / 1000;
      logger.info({ phase: name, seconds }, 'done');
      say(`  ${seconds.toFixed(1)} s\n`);
      return result;
    },
    progress(done, total) {
      if (done < total && performance.now() - shown < PROGRESS_INTERVAL_MS) return;
      shown = performance.now();
      const filled = Math.round((BAR_WIDTH * done) / total);
      const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.');
      if (process.stderr.isTTY) say(`\r  [${bar}] ${done}/${total}${done < total ? '' : '\n'}`);
      logger.debug({ done, total }, 'progress');
    },
    note(message, fields = {}) {
      logger.info(fields, message);
      say(`  ${message}${Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : ''}\n`);
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}

/** Runs a tool with its log; what went wrong is in the log and ends with exit code 1. */
export async function runLogged(file: string, tool: (log: RunLog) => Promise<unknown>): Promise<void> {
  const log = openRunLog(file);
  try {
    await tool(log);
  } catch (error) {
    log.note('failed', { reason: reasonOf(error) });
    process.exitCode = 1;
  } finally {
    await log.close();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}
