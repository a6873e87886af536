import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * `node bench/sift/bench.ts [options] [image or folder]...`: builds and runs the native benchmark of the engine
 * against cv::SIFT, and against VLFeat where it is installed. Options are passed on: `--help` lists them. Without an
 * image those of ../shared/data/matching are taken.
 */
const here = fileURLToPath(new URL('.', import.meta.url));
const otherOpenCv = process.env.OPENCV_DIR;
const build = join(here, '../../build', otherOpenCv ? 'bench-sift-other-opencv' : 'bench-sift');
const defaultImages = ['boat/1', 'graffiti/1', 'leuven/1', 'ubc/1', 'boat/4', 'leuven/3', 'graffiti/3'].map(
  (name) => join(here, '../../../shared/data/matching', `oxford_${name}.png`),
);
const optionsWithValue = new Set(['--runs', '--size', '--implementation']);

async function expand(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path);
  return names.filter((name) => /\.(png|jpe?g|bmp|tif)$/.test(name)).map((name) => join(path, name));
}

async function readArguments(all: readonly string[]): Promise<string[]> {
  const options: string[] = [];
  const images: string[] = [];
  const rest = [...all];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (!next.startsWith('--')) images.push(...(await expand(next)));
    else options.push(next, ...(optionsWithValue.has(next) ? rest.splice(0, 1) : []));
  }
  return [...options, ...(images.length > 0 ? images : defaultImages.filter((path) => existsSync(path)))];
}

const parameters = await readArguments(process.argv.slice(2));
const run = promisify(execFile);
// CMake remembers what it found in an earlier run.
const opencv = otherOpenCv ? ['--fresh', `-DCMAKE_PREFIX_PATH=${otherOpenCv}`] : [];
await run('cmake', ['-S', here, '-B', build, '-DCMAKE_BUILD_TYPE=Release', ...opencv]);
await run('cmake', ['--build', build], { maxBuffer: 1 << 26 });
spawn(join(build, 'bench_sift'), parameters, { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1;
});
