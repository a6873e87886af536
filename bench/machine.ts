import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { z } from 'zod';
import { fromRoot } from '../tools/project-root.ts';
import { runCommand } from '../tools/set-up/run-command.ts';

/** Where and with what a run was made. */
export interface Circumstances {
  readonly date: string;
  /** Git commit; `+ changes` where the working tree differs from it. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly kernel: string;
  readonly node: string;
  readonly workerd: string;
  /** Name and version with the SIMD level; of OpenCV's SIFT the version is OpenCV's. */
  readonly extractor: string;
  readonly peer: string;
  readonly images: string;
  /** Runnable processes before the run, averaged over one minute. */
  readonly load_before: number;
}

export async function circumstances(
  known: Pick<Circumstances, 'extractor' | 'peer' | 'images'>,
): Promise<Circumstances> {
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    workerd: packageVersion('workerd'),
    load_before: loadavg()[0] ?? 0,
    ...known,
  };
}

async function commit(): Promise<string> {
  const git = (...parameters: string[]) => runCommand('git', ['-C', fromRoot(), ...parameters]);
  const head = await git('rev-parse', 'HEAD');
  if (head.code !== 0) return 'unknown';
  const status = await git('status', '--porcelain');
  return head.output.trim() + (status.output === '' ? '' : ' + changes');
}

function packageVersion(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(fromRoot('node_modules', name, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}
