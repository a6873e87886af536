import path from 'node:path';
import { type DestinationStream, multistream } from 'pino';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';

const FILE_SIZE = '10M';
const OLD_FILES = 10;
/** For so long after a failure nothing is written: a full disk has no room a moment later. */
const RETRY_MS = 5_000;

/**
 * Standard output, and where a file is given, that too: `logs/api.log`, which becomes `logs/api.log.1` at 10 MB, and so
 * on up to ten old files. A file that cannot be written is reported on standard error, and ends nothing; it is opened
 * again after `retryMs`.
 */
export function logDestination(file: string | undefined, retryMs = RETRY_MS): DestinationStream | undefined {
  if (file === undefined) return undefined;
  return multistream([
    { level: 'trace', stream: process.stdout },
    { level: 'trace', stream: new LogFile(file, retryMs) },
  ]);
}

/** A rotating file that is opened anew some time after it could not be written: the stream of the library ends then. */
class LogFile implements DestinationStream {
  readonly #file: string;
  readonly #retryMs: number;
  #stream: RotatingFileStream | undefined;
  #failedAt: number | undefined;

  constructor(file: string, retryMs: number) {
    this.#file = file;
    this.#retryMs = retryMs;
    this.#stream = this.#open();
  }

  write(line: string): void {
    if (!this.#stream && this.#failedAt !== undefined && Date.now() - this.#failedAt >= this.#retryMs) {
      this.#stream = this.#open();
      // What was written last may be half a line.
      this.#stream.write('\n');
    }
    this.#stream?.write(line);
  }

  #open(): RotatingFileStream {
    const { dir, base } = path.parse(this.#file);
    const nameOf = (index: number | Date | null, rotation?: number) =>
      index === null ? base : `${base}.${rotation ?? index}`;
    const stream = createStream(nameOf, { path: dir || '.', size: FILE_SIZE, rotate: OLD_FILES });
    stream.on('error', (error) => {
      process.stderr.write(`the log file cannot be written: ${error.message}\n`);
      if (this.#stream === stream) this.#stream = undefined;
      this.#failedAt = Date.now();
    });
    return stream;
  }
}
