import path from 'node:path';
import { type DestinationStream, multistream } from 'pino';
import { createStream } from 'rotating-file-stream';

const FILE_SIZE = '10M';
const OLD_FILES = 10;

/**
 * Standard output, and where a file is given, that too: `logs/api.log`, which becomes `logs/api.log.1` at 10 MB, and so
 * on up to ten old files. A file that cannot be written is reported on standard error, and ends nothing.
 */
export function logDestination(file: string | undefined): DestinationStream | undefined {
  if (file === undefined) return undefined;
  const { dir, base } = path.parse(file);
  const nameOf = (index: number | Date | null, rotation?: number) =>
    index === null ? base : `${base}.${rotation ?? index}`;
  const stream = createStream(nameOf, { path: dir || '.', size: FILE_SIZE, rotate: OLD_FILES });
  stream.on('error', (error) => process.stderr.write(`the log file cannot be written: ${error.message}\n`));
  return multistream([
    { level: 'trace', stream: process.stdout },
    { level: 'trace', stream },
  ]);
}
