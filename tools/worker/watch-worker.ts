import { watch } from 'node:fs';
import { context } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { configurationSchema } from '../../edge/configuration.ts';
import { fromRoot } from '../project-root.ts';
import { reportDone, reportProblem } from '../set-up/report.ts';
import { ASSETS_DIRECTORY } from './assets-directory.ts';
import { buildPages } from './build-pages.ts';
import { workerBuildOptions } from './bundle-worker.ts';
import type { RunningWorker, WorkerOptions } from './run-worker.ts';

/** Editors write a file in several steps. */
const SETTLING_MS = 100;

/**
 * Serves the Worker in miniflare, and serves it anew as soon as a file that it is made of has changed. A source that
 * does not build is reported, and the last one that did goes on serving. The isolate's memory starts empty each time.
 */
export async function startWatchedWorker({
  port,
  env,
}: Pick<WorkerOptions, 'port' | 'env'>): Promise<RunningWorker> {
  let miniflare: Miniflare | undefined;
  const first = Promise.withResolvers<Miniflare>();

  async function serve(script: string): Promise<void> {
    const options = convertV4MiniflareOptions({
      modules: true,
      script,
      // As in wrangler.toml.
      compatibilityDate: '2026-10-01',
      compatibilityFlags: ['enable_request_signal'],
      bindings: settingsOf(env),
      serviceBindings: { ASSETS: { disk: { path: ASSETS_DIRECTORY, writable: false } } },
      host: '127.0.0.1',
      port,
      cf: false,
    });
    if (miniflare) {
      await miniflare.setOptions(options);
      reportDone('the edge was built anew');
      return;
    }
    miniflare = new Miniflare(options);
    first.resolve(miniflare);
  }

  await buildPages();
  const build = await context({
    ...workerBuildOptions(fromRoot('edge', 'worker.ts'), fromRoot('build', 'worker', 'worker.js')),
    plugins: [
      {
        name: 'serve',
        setup({ onEnd }) {
          onEnd(async ({ outputFiles = [], errors }) => {
            const [script] = outputFiles;
            if (errors.length === 0 && script) await serve(script.text);
            else reportProblem('the edge does not build: the last one that did goes on serving');
          });
        },
      },
    ],
  });
  await build.watch();
  const pages = watchPages();
  const { origin: url } = await (await first.promise).ready;
  const ended = Promise.withResolvers<{ code: number; signal: null }>();
  return {
    url,
    pid: process.pid,
    exited: ended.promise,
    async stop() {
      pages.close();
      await build.dispose();
      await miniflare?.dispose();
      ended.resolve({ code: 0, signal: null });
    },
  };
}

/** Only those that are set: miniflare gives a binding for every name. */
function settingsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const set = Object.keys(configurationSchema.shape).map((name) => [name, env[name]] as const);
  return Object.fromEntries(set.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The pages are files beside the Worker: a browser that is reloaded gets the new ones. */
function watchPages(): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  const rebuild = () =>
    buildPages().then(
      () => reportDone('the pages were built anew'),
      (error) => reportProblem(`the pages do not build: ${error}`),
    );
  const watcher = watch(fromRoot('pages'), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void rebuild(), SETTLING_MS);
  });
  return {
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
