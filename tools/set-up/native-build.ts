import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fromRoot } from '../project-root.ts';
import { findOpenCv } from './opencv.ts';
import { reportDone, reportWorking } from './report.ts';
import { runCommand } from './run-command.ts';
import { SetUpError } from './set-up-error.ts';
import { hashInputs, Stamp } from './stamp.ts';

const SOURCES = fromRoot('origin', 'native');
const OUTPUT = fromRoot('build', 'native');
const ADDON = fromRoot('build', 'native', 'edgesift.node');
const HEADER_PACKAGES = ['node-addon-api', 'node-api-headers'];

/** Builds the Node-API addon; again only when something it is made from has changed. */
export async function ensureNativeBuild(): Promise<void> {
  const stamp = new Stamp(fromRoot('build', 'native.stamp'));
  const inputs = hashInputs(SOURCES, ...dependencyVersions());
  if (!existsSync(ADDON) || !stamp.matches(inputs)) {
    stamp.clear();
    await build();
    stamp.write(inputs);
  }
  reportDone('native addon build/native/edgesift.node');
}

function dependencyVersions(): string[] {
  const openCv = findOpenCv();
  const headers = HEADER_PACKAGES.map((name) =>
    readFileSync(fromRoot('node_modules', name, 'package.json'), 'utf8'),
  );
  return [openCv?.includeDirectory ?? '', openCv?.version ?? '', ...headers];
}

async function build(): Promise<void> {
  reportWorking('building the native addon, this may take a minute');
  await cmake('-S', SOURCES, '-B', OUTPUT, '-DCMAKE_BUILD_TYPE=Release');
  await cmake('--build', OUTPUT, '--parallel', String(availableParallelism()));
}

async function cmake(...parameters: readonly string[]): Promise<void> {
  const { code, output } = await runCommand('cmake', parameters);
  if (code !== 0) throw new SetUpError(`failed: cmake ${parameters.join(' ')}\n${output}`);
}
