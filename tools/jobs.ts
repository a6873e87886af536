/** `npm run jobs -- FOLDER…`: NATS, job service and workers on this machine, beside `npm start`. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { integerSetting, portSetting, readSettings, SettingsError } from '../shared/settings.ts';
import { localSecret } from './local-secret.ts';
import { ensurePortsAreFree } from './ports.ts';
import { fromRoot } from './project-root.ts';
import { startProcess } from './running-process.ts';
import { ServiceGroup } from './service-group.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureNats } from './set-up/nats.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { reportDone, reportProblem } from './set-up/report.ts';
import { setUp } from './set-up/set-up.ts';
import { SetUpError } from './set-up/set-up-error.ts';

const START_TIMEOUT_MS = 60_000;
/** NATS' messages and the index of all jobs. */
const DIRECTORY = fromRoot('build', 'jobs');

const DEFAULT_PORT = 8787;

const settingsSchema = z.object({
  NATS_PORT: portSetting(4322),
  JOBS_PORT: portSetting(8070),
  JOBS_WORKERS: integerSetting(0, 64).default(1),
  ORIGIN_SECRET: z.string().default(localSecret),
  PORT: portSetting(DEFAULT_PORT),
});

const services = new ServiceGroup((name, { code, signal }) => {
  reportProblem(`${name} ended by itself (${signal ?? `exit code ${code}`}), stopping the rest`);
  void end(1);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));

async function end(exitCode: number): Promise<void> {
  await services.stop();
  process.exit(exitCode);
}

try {
  if (existsSync(fromRoot('.env'))) process.loadEnvFile(fromRoot('.env'));
  const folders = foldersOf(process.argv.slice(2));
  const settings = readSettings(settingsSchema, process.env);
  const { NATS_PORT, JOBS_PORT } = settings;
  await setUp(ensureOpenCv, ensureNativeBuild, ensureNats);
  await ensurePortsAreFree({ NATS_PORT, JOBS_PORT });
  await startServices(settings, folders);
  printWelcome(settings, folders);
} catch (error) {
  const isForTheUser = error instanceof SetUpError || error instanceof SettingsError;
  reportProblem(isForTheUser ? error.message : `start failed: ${error}`);
  await end(1);
}

/** Folders are named where the command was typed. */
function foldersOf(parameters: readonly string[]): string[] {
  const folders = parameters.map((folder) => path.resolve(process.env.INIT_CWD ?? process.cwd(), folder));
  const missing = folders.find((folder) => !existsSync(folder));
  if (missing !== undefined) throw new SetUpError(`There is no folder ${missing}`);
  if (folders.length === 0 && process.env.JOBS_S3 !== 'true') {
    throw new SetUpError(
      'Which folders may jobs read and write?\n\n    npm run jobs -- FOLDER…\n\nFor buckets set JOBS_S3=true.',
    );
  }
  return folders;
}

async function startServices(
  { NATS_PORT, JOBS_PORT, JOBS_WORKERS, ORIGIN_SECRET }: z.infer<typeof settingsSchema>,
  folders: readonly string[],
): Promise<void> {
  const index = path.join(DIRECTORY, 'index');
  mkdirSync(index, { recursive: true });
  const nats = ['--addr', '127.0.0.1', '--port', String(NATS_PORT), '--jetstream'];
  const store = ['--store_dir', path.join(DIRECTORY, 'nats')];
  const running = await startProcess('nats-server', [...nats, ...store], { stdio: 'ignore' });
  services.add('nats-server', running);
  const environment = {
    NATS_URL: `nats://127.0.0.1:${NATS_PORT}`,
    JOBS_FOLDERS: [...folders, DIRECTORY].join(','),
    JOBS_INDEX: index,
    JOBS_HOST: '127.0.0.1',
    JOBS_PORT: String(JOBS_PORT),
    ORIGIN_SECRET,
  };
  await startNode('job service', 'origin/job-service.ts', environment);
  for (let worker = 1; worker <= JOBS_WORKERS; worker += 1) {
    await startNode(`worker ${worker}`, 'origin/worker.ts', environment);
  }
  await untilReady(`http://127.0.0.1:${JOBS_PORT}/health/ready`);
}

async function startNode(name: string, script: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const parameters = [...process.execArgv, fromRoot(script)];
  const env = { ...process.env, ...environment };
  const running = await startProcess(process.execPath, parameters, {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  services.add(name, running);
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
  throw new SetUpError(`no good response from ${url} within ${START_TIMEOUT_MS / 1000} s`);
}

function printWelcome(
  { PORT, JOBS_WORKERS }: z.infer<typeof settingsSchema>,
  folders: readonly string[],
): void {
  const [folder = '/path/to/images'] = folders;
  const output = path.join(folder, 'features');
  const request = { source: { prefix: folder }, output };
  const url = PORT === DEFAULT_PORT ? '' : ` --url http://127.0.0.1:${PORT}`;
  reportDone(`bulk jobs with ${JOBS_WORKERS} worker(s), Ctrl-C ends them; jobs go on at the next start`);
  process.stdout.write(
    `\nWith \`npm start\` in another terminal:\n\n` +
      `    npm run --silent edgesift -- jobs create --prefix ${folder} --output ${output} --follow${url}\n\nor\n\n` +
      `    curl http://127.0.0.1:${PORT}/api/v1/jobs -H 'Content-Type: application/json' \\\n` +
      `      -d '${JSON.stringify(request)}'\n\n`,
  );
}
