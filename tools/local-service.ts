import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import prettyPrinter from 'pino-pretty';
import { z } from 'zod';
import { originReadySchema } from '../shared/contract/responses.ts';
import { extractorId } from '../shared/extractor.ts';
import { portSetting, readSettings, SettingsError } from '../shared/settings.ts';
import { localSecret } from './local-secret.ts';
import { ensurePortsAreFree } from './ports.ts';
import { fromRoot } from './project-root.ts';
import { type RunningProcess, startProcess } from './running-process.ts';
import { ServiceGroup } from './service-group.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { reportDone, reportProblem } from './set-up/report.ts';
import { setUp } from './set-up/set-up.ts';
import { SetUpError } from './set-up/set-up-error.ts';
import type { RunningWorker } from './worker/run-worker.ts';

const EXAMPLE_IMAGE = fromRoot('docs', 'example', 'mountains.jpg');
/** For people at a terminal; anywhere else lines stay JSON. */
const LOG_FORMAT = {
  colorize: true,
  singleLine: true,
  ignore: 'pid,service',
  messageFormat: '{service}: {msg}',
};
const START_TIMEOUT_MS = 60_000;

/** Where `npm run jobs` serves. */
const DEFAULT_JOBS_PORT = '8070';

const randomSecret = () => randomBytes(32).toString('base64url');

/** What is not given lives as long as this session; only cached results of an external Redis outlive it. */
const settingsSchema = z
  .object({
    PORT: portSetting(8787),
    ORIGIN_PORT: portSetting(8080),
    REDIS_REST_PORT: portSetting(8079),
    REDIS_URL: z.string().optional(),
    ORIGIN_SECRET: z.string().default(localSecret),
    REDIS_REST_TOKEN: z.string().default(randomSecret),
    ORIGIN_URL: z.url().optional(),
    UPSTASH_REDIS_REST_URL: z.url().optional(),
    UPSTASH_REDIS_REST_TOKEN: z.string().optional(),
  })
  .refine(
    (settings) =>
      settings.UPSTASH_REDIS_REST_URL === undefined || settings.UPSTASH_REDIS_REST_TOKEN !== undefined,
    {
      path: ['UPSTASH_REDIS_REST_TOKEN'],
      error: 'is needed with UPSTASH_REDIS_REST_URL',
    },
  );
type Settings = z.infer<typeof settingsSchema>;

/** Where results are kept, and what to say of it. */
interface Cache {
  url: string;
  token: string;
  description: string;
}

const services = new ServiceGroup((name, { code, signal }) => {
  reportProblem(`${name} ended by itself (${signal ?? `exit code ${code}`}), stopping the rest`);
  void end(1);
});

/** Serves the edge with these settings on a port of 127.0.0.1. */
export type ServeEdge = (options: { port: number; env: NodeJS.ProcessEnv }) => Promise<RunningWorker>;

/**
 * The whole service on this machine, until Ctrl-C or SIGTERM: what `ORIGIN_URL` and `UPSTASH_REDIS_REST_URL` do not
 * name is started here.
 */
export async function runLocalService(serveEdge: ServeEdge): Promise<void> {
  // More than one may come: npm passes on what the terminal has sent already.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
  try {
    if (existsSync(fromRoot('.env'))) process.loadEnvFile(fromRoot('.env'));
    const settings = readSettings(settingsSchema, process.env);
    const { PORT, ORIGIN_PORT, REDIS_REST_PORT, ORIGIN_URL } = settings;
    if (!ORIGIN_URL) await setUp(ensureOpenCv, ensureNativeBuild);
    const upstash = upstashOf(settings);
    await ensurePortsAreFree({
      PORT,
      ...(!ORIGIN_URL && { ORIGIN_PORT }),
      ...(!upstash && { REDIS_REST_PORT }),
    });
    printWelcome(await startServices(settings, upstash, serveEdge));
  } catch (error) {
    const isForTheUser = error instanceof SetUpError || error instanceof SettingsError;
    reportProblem(isForTheUser ? error.message : `start failed: ${error}`);
    await end(1);
  }
}

async function end(exitCode: number): Promise<void> {
  await services.stop();
  process.exit(exitCode);
}

/** Undefined where it is not set, and a gateway of our own stands in. */
function upstashOf({
  UPSTASH_REDIS_REST_URL: url,
  UPSTASH_REDIS_REST_TOKEN: token,
}: Settings): Cache | undefined {
  if (url === undefined || token === undefined) return undefined;
  return { url, token, description: 'UPSTASH_REDIS_REST_URL' };
}

interface Serving {
  url: string;
  cache: Cache;
}

async function startServices(
  settings: Settings,
  upstash: Cache | undefined,
  serveEdge: ServeEdge,
): Promise<Serving> {
  const { PORT, ORIGIN_PORT, ORIGIN_SECRET, ORIGIN_URL } = settings;
  const originUrl = ORIGIN_URL ?? `http://127.0.0.1:${ORIGIN_PORT}`;
  const [cache, originReady] = await Promise.all([
    upstash ?? startGateway(settings),
    startOrigin(settings, upstash).then(() => untilReady(`${originUrl}/health/ready`)),
  ]);
  const worker = await serveEdge({
    port: PORT,
    env: {
      ...process.env,
      UPSTASH_REDIS_REST_URL: cache.url,
      UPSTASH_REDIS_REST_TOKEN: cache.token,
      ORIGIN_URL: originUrl,
      JOBS_URL: process.env.JOBS_URL || `http://127.0.0.1:${process.env.JOBS_PORT || DEFAULT_JOBS_PORT}`,
      ORIGIN_SECRET,
      // Every request is logged for the developer.
      LOG_SAMPLE_RATE: process.env.LOG_SAMPLE_RATE || '1',
      EXTRACTOR: extractorId(originReadySchema.parse(await originReady.json()).extractor),
    },
  });
  return { url: services.add('Worker', worker).url, cache };
}

/** The one at `ORIGIN_URL`, where that is set, runs already. */
async function startOrigin(settings: Settings, upstash: Cache | undefined): Promise<void> {
  const { ORIGIN_URL, ORIGIN_PORT, ORIGIN_SECRET } = settings;
  if (ORIGIN_URL) return;
  await startNode('origin', 'origin/server.ts', {
    ORIGIN_HOST: '127.0.0.1',
    ORIGIN_PORT: String(ORIGIN_PORT),
    // Several services may run on one machine.
    ORIGIN_METRICS_PORT: process.env.ORIGIN_METRICS_PORT || '0',
    ORIGIN_SECRET,
    ...sharedStore(settings, upstash),
  });
}

/** Where the origin writes results: over TCP where there is such a Redis, else by the protocol that the edge reads. */
function sharedStore(settings: Settings, upstash: Cache | undefined): NodeJS.ProcessEnv {
  if (settings.REDIS_URL !== undefined) return { REDIS_URL: settings.REDIS_URL };
  const url = upstash?.url ?? gatewayUrl(settings);
  return {
    UPSTASH_REDIS_REST_URL: url,
    UPSTASH_REDIS_REST_TOKEN: upstash?.token ?? settings.REDIS_REST_TOKEN,
  };
}

function gatewayUrl({ REDIS_REST_PORT }: Settings): string {
  return `http://127.0.0.1:${REDIS_REST_PORT}`;
}

async function startGateway(settings: Settings): Promise<Cache> {
  const { REDIS_REST_PORT, REDIS_REST_TOKEN, REDIS_URL } = settings;
  const url = gatewayUrl(settings);
  await startNode('Redis gateway', 'gateway/main.ts', {
    HOST: '127.0.0.1',
    REDIS_REST_PORT: String(REDIS_REST_PORT),
    REDIS_REST_TOKEN,
  });
  await untilReady(`${url}/health`);
  const store = REDIS_URL === undefined ? 'embedded store, set REDIS_URL for a Redis' : 'Redis at REDIS_URL';
  return { url, token: REDIS_REST_TOKEN, description: store };
}

async function startNode(name: string, script: string, settings: NodeJS.ProcessEnv): Promise<RunningProcess> {
  const { child, ...running } = await startProcess(
    process.execPath,
    [...process.execArgv, fromRoot(script)],
    {
      env: { ...process.env, ...settings },
      stdio: ['ignore', process.stdout.isTTY ? 'pipe' : 'inherit', 'inherit'],
    },
  );
  child.stdout?.pipe(prettyPrinter(LOG_FORMAT));
  return services.add(name, running);
}

/** The first good response. A process that ends instead is reported, and ends everything, by its group. */
async function untilReady(url: string): Promise<Response> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return response;
    await sleep(100);
  }
  throw new SetUpError(`no good response from ${url} within ${START_TIMEOUT_MS / 1000} s`);
}

function printWelcome({ url, cache }: Serving): void {
  const image = path.relative(process.env.INIT_CWD ?? process.cwd(), EXAMPLE_IMAGE);
  reportDone(`cache: ${cache.description}`);
  reportDone(`serving on ${url}, Ctrl-C ends it`);
  process.stdout.write(`\n    curl -F image=@${image} ${url}/api/v1/features/detect\n\n`);
}
