import { type BuildOptions, build } from 'esbuild';
import { replaceFile } from './replace-file.ts';

/** Makes one module of a Worker and all that it imports, as workerd and Cloudflare take it. */
export async function bundleWorker(entryPoint: string, outfile: string): Promise<void> {
  const { outputFiles } = await build(workerBuildOptions(entryPoint, outfile));
  // Tests and servers may start a Worker while another one is being built.
  await Promise.all(outputFiles.map(({ path, contents }) => replaceFile(path, contents)));
}

export function workerBuildOptions(entryPoint: string, outfile: string) {
  return {
    entryPoints: [entryPoint],
    outfile,
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    logLevel: 'warning',
  } satisfies BuildOptions;
}
