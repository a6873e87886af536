import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const buildRoot = join(here, '../../build');

/** Where the images for equivalence tests are, if they are there at all. */
export const sharedImages = join(here, '../../../shared/data');

export interface Programs {
  /** Full path of a test program; undefined if this machine lacks what it needs. */
  path(program: string): string | undefined;
}

/**
 * The libraries that the addon is made of, in the folder where the set-up builds it: what has changed since is compiled
 * again. Gives the option with which {@link buildPrograms} takes them, instead of compiling them once more.
 */
export async function addonLibraries(): Promise<string[]> {
  const directory = join(buildRoot, 'native');
  const sources = join(here, '../../origin/native');
  const targets = ['--target', 'edgesift_engine', 'edgesift_vehicles'];
  await run('cmake', ['-S', sources, '-B', directory, '-DCMAKE_BUILD_TYPE=Release']);
  await run('cmake', ['--build', directory, ...targets, '--parallel', '2'], { maxBuffer: 1 << 26 });
  return [`-DEDGESIFT_LIBRARIES=${directory}`];
}

/** Builds the engine's test programs; `options` are CMake's. Throws with the compiler's output if that fails. */
export async function buildPrograms(name: string, options: readonly string[] = []): Promise<Programs> {
  const directory = join(buildRoot, name);
  await run('cmake', ['-S', here, '-B', directory, '-DCMAKE_BUILD_TYPE=Release', ...options]);
  await run('cmake', ['--build', directory, '--parallel', '2'], { maxBuffer: 1 << 26 });
  return {
    path(program) {
      const file = join(directory, program);
      return existsSync(file) ? file : undefined;
    },
  };
}

export interface Outcome {
  code: number;
  output: string;
}

/** Runs a program to its end. The output of both streams is kept with any exit code. */
export function execute(program: string, parameters: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, parameters, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** Whether that program can be run at all. */
export async function isInstalled(program: string): Promise<boolean> {
  return (await execute(program, ['--version'])).code === 0;
}

/** CMake's options to compile for AArch64, with Debian's cross-compiler. */
export const forAarch64 = [`-DCMAKE_TOOLCHAIN_FILE=${join(here, 'aarch64.cmake')}`];

/** Images in a folder and below it, sorted. */
export async function imagesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => /\.(png|jpe?g|bmp|tif)$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}
