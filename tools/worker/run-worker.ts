import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { fromRoot } from '../project-root.ts';
import { type RunningProcess, startProcess } from '../running-process.ts';
import { ASSETS_DIRECTORY } from './assets-directory.ts';

export interface WorkerOptions {
  /** TCP port on 127.0.0.1; a free one for 0. */
  readonly port: number;
  /** The Worker's settings, and everything else its process is to see. Nothing of ours is passed on by itself. */
  readonly env: NodeJS.ProcessEnv;
  /** Where it logs to; our own standard output and error by default. */
  readonly log?: 'inherit' | 'ignore';
  /** What is served, as workerd's command line names it; by default what `buildWorker` made. */
  readonly served?: readonly string[];
}

const EDGE = [fromRoot('tools', 'worker', 'workerd.capnp'), `--directory-path=assets=${ASSETS_DIRECTORY}`];

export interface RunningWorker extends RunningProcess {
  /** As in `http://127.0.0.1:8787`. */
  readonly url: string;
}

const listenMessage = z.object({ event: z.literal('listen'), port: z.number() });

/**
 * Serves a Worker in workerd, the runtime of Cloudflare Workers, and returns when it accepts requests.
 *
 * @throws Error when it ends before that, as with a port in use; its own message goes to standard error
 */
export async function startWorker({
  port,
  env,
  log = 'inherit',
  served = EDGE,
}: WorkerOptions): Promise<RunningWorker> {
  const { child, ...worker } = await startProcess(
    workerdBinary(),
    ['serve', ...served, `--socket-addr=http=127.0.0.1:${port}`, '--control-fd=3'],
    { env, stdio: ['ignore', log, log, 'pipe'] },
  );
  const listeningPort = await Promise.race([
    readListeningPort(child.stdio[3]),
    worker.exited.then(({ code, signal }) => {
      throw new Error(`workerd ended while starting (${signal ?? `exit code ${code}`})`);
    }),
  ]);
  return { ...worker, url: `http://127.0.0.1:${listeningPort}` };
}

/** The binary itself: the command in `.bin` may be a script around it, which passes on neither signals nor channels. */
function workerdBinary(): string {
  const workerd: unknown = createRequire(import.meta.url)('workerd');
  return z.object({ default: z.string() }).parse(workerd).default;
}

/** workerd reports on its control channel, one JSON object a line, where each socket listens. */
async function readListeningPort(channel: unknown): Promise<number> {
  if (!isReadable(channel)) throw new Error('no control channel to workerd');
  for await (const line of createInterface({ input: channel })) {
    const message = listenMessage.safeParse(JSON.parse(line));
    if (message.success) return message.data.port;
  }
  return new Promise(() => {});
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream;
}
