import { fileURLToPath } from 'node:url';
import { run } from './command.ts';

/** Images, and what stands in for the base images, are kept here from one run to the next. */
export const STORE = fileURLToPath(new URL('../../build/containers/', import.meta.url));

const STORAGE = [
  `--root=${STORE}storage`,
  `--runroot=${STORE}run`,
  // `vfs`, which copies every layer, takes five times as long.
  '--storage-driver=overlay',
];

/** What needs no container engine: a changed root folder in place of namespaces. */
export const CHROOT = ['--isolation=chroot', '--network=host'];

export function buildahLine(...parameters: readonly string[]): string[] {
  return ['buildah', ...STORAGE, ...parameters];
}

export async function buildah(...parameters: readonly string[]): Promise<string> {
  const [program = '', ...rest] = buildahLine(...parameters);
  return (await run(program, rest)).trim();
}
