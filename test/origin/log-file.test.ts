import { spawnSync } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { logDestination } from '../../origin/observability/log-file.ts';
import { createLogger } from '../../origin/observability/logging.ts';
import { startOriginServer } from '../fixtures/origin-server.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

test('the log goes into LOG_FILE too, in folders made for it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'log-'));
  const file = path.join(folder, 'logs', 'api.log');
  const origin = await startOriginServer({ LOG_FILE: file });
  try {
    await fetch(`${origin.url}/nothing`);
    await until('the request is in the file', async () =>
      (await readFile(file, 'utf8')).includes('/nothing'),
    );
    expect(origin.log.join('\n')).toContain('/nothing');
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ service: 'origin' });
  } finally {
    await origin.stop();
    await rm(folder, { recursive: true });
  }
});

/** The beginning of a file: what its first line is about. */
async function headOf(file: string): Promise<string> {
  const opened = await open(file);
  try {
    const { buffer, bytesRead } = await opened.read({ buffer: Buffer.alloc(1_000) });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await opened.close();
  }
}

const ROTATIONS = IS_THOROUGH ? 12 : 2;

test(`files rotate at 10 MB, ${inThorough('and ten old ones are kept')}`, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'log-'));
  const { stdout } = process;
  const write = stdout.write;
  // These lines are for the file alone.
  stdout.write = () => true;
  try {
    const logger = createLogger('info', logDestination(path.join(folder, 'api.log')));
    for (let files = 1; files <= ROTATIONS; files += 1) {
      logger.info({ files }, 'x'.repeat(10_500_000));
      await until(`file ${files} is closed`, async () => {
        const rotated = await headOf(path.join(folder, 'api.log.1')).catch(() => '');
        return rotated.includes(`"files":${files},`);
      });
    }
    const rotated = (await readdir(folder)).filter((name) => /^api\.log\.\d+$/.test(name));
    const kept = Math.min(ROTATIONS, 10);
    expect(rotated).toHaveLength(kept);
    const oldest = `"files":${ROTATIONS - kept + 1},`;
    expect(await headOf(path.join(folder, `api.log.${kept}`))).toContain(oldest);
  } finally {
    stdout.write = write;
    await rm(folder, { recursive: true });
  }
});

/** A disk of 256 KiB; undefined where this process may not mount one. */
async function tinyDisk(): Promise<{ folder: string; remove(): Promise<void> } | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder]);
  if (status !== 0) {
    process.stderr.write('SKIPPED, a file system cannot be mounted here: the log on a full disk\n');
    await rm(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    async remove() {
      spawnSync('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true });
    },
  };
}

test('after the disk was full the log goes on, in whole lines', async (context) => {
  const disk = await tinyDisk();
  if (!disk) return context.skip();
  const { stdout, stderr } = process;
  const [writeOut, writeError] = [stdout.write, stderr.write];
  let reported = '';
  stdout.write = () => true;
  stderr.write = (text) => {
    reported += text;
    return true;
  };
  try {
    const filler = path.join(disk.folder, 'filler');
    await writeFile(filler, new Uint8Array(200_000));
    const file = path.join(disk.folder, 'api.log');
    const logger = createLogger('info', logDestination(file, 100));
    await until('the disk is full', async () => {
      logger.info('x'.repeat(10_000));
      return reported.includes('the log file cannot be written');
    });
    await rm(filler);
    await until('the log goes on', async () => {
      logger.info('after it was full');
      return (await readFile(file, 'utf8')).includes('after it was full');
    });
    // What follows the last line feed is still being written.
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
    const after = lines.filter((line) => line.includes('after it was'));
    expect(after).not.toEqual([]);
    for (const line of after) expect(JSON.parse(line)).toMatchObject({ msg: 'after it was full' });
  } finally {
    stdout.write = writeOut;
    stderr.write = writeError;
    await disk.remove();
  }
});
