import { availableParallelism } from 'node:os';
import type { SiftEngine } from '../origin/native/addon.ts';
import { findFreePort } from '../test/fixtures/free-port.ts';
import { startOriginServer } from '../test/fixtures/origin-server.ts';
import { startRedisServer } from '../test/fixtures/redis-server.ts';
import { untilItResponds } from '../test/fixtures/until.ts';
import { fromRoot } from '../tools/project-root.ts';
import { type RunningProcess, startProcess } from '../tools/running-process.ts';
import { buildWorker } from '../tools/worker/build-worker.ts';
import { startWorker } from '../tools/worker/run-worker.ts';
import type { Processes } from './cpu.ts';
import { startFloor } from './floor/floor.ts';

/** The whole service, each part a process of its own, as in production but for the network between them. */
export interface Stack {
  /** Of the edge. */
  readonly url: string;
  readonly redisUrl: string;
  readonly redisPid: number;
  /** As in `edgesift@1`. */
  readonly extractor: string;
  readonly engine: SiftEngine;
  readonly processes: Processes;
  /** A Worker that does the least, with the same Redis and origin; see floor/worker.ts. */
  readonly floor: Pick<Stack, 'url' | 'processes'>;
  stop(): Promise<void>;
}

const TOKEN = 'token-of-the-benchmark-gateway';

/** @param originThreads by default one for each core */
export async function startStack({ originThreads = availableParallelism() } = {}): Promise<Stack> {
  const redis = await startRedisServer();
  const gateway = await startGateway(redis.url);
  const origin = await startOriginServer({
    ORIGIN_THREADS: String(originThreads),
    REDIS_URL: redis.url,
  });
  await buildWorker();
  const env = {
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: TOKEN,
    ORIGIN_URL: origin.url,
    ORIGIN_SECRET: origin.secret,
    EXTRACTOR: origin.extractor,
    // Where the machine is held up by other programs, a hit must not become a miss.
    REDIS_TIMEOUT_MS: '5000',
  };
  // Standard output is for the figures, and some runs are about failures, each of which is logged.
  const worker = await startWorker({ port: 0, log: 'ignore', env });
  const floor = await startFloor(env);
  const behind = { gateway: gateway.pid, redis: redis.pid, origin: origin.pid };
  return {
    url: worker.url,
    redisUrl: redis.url,
    redisPid: redis.pid,
    extractor: origin.extractor,
    engine: origin.extractor.startsWith('opencv') ? 'opencv' : 'edgesift',
    processes: { workerd: worker.pid, ...behind },
    floor: { url: floor.url, processes: { workerd: floor.pid, ...behind } },
    async stop() {
      await worker.stop();
      await floor.stop();
      await origin.stop();
      await gateway.stop();
      await redis.stop();
    },
  };
}

async function startGateway(redisUrl: string): Promise<RunningProcess & { readonly url: string }> {
  const port = await findFreePort();
  const environment = {
    REDIS_REST_PORT: String(port),
    REDIS_REST_TOKEN: TOKEN,
    REDIS_URL: redisUrl,
    HOST: '127.0.0.1',
  };
  const gateway = await startProcess(process.execPath, [fromRoot('gateway', 'main.ts')], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await untilItResponds(`${url}/health`);
  return { ...gateway, url };
}
