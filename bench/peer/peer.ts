import { findFreePort } from '../../test/fixtures/free-port.ts';
import { untilItResponds } from '../../test/fixtures/until.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { startProcess } from '../../tools/running-process.ts';
import { runCommand } from '../../tools/set-up/run-command.ts';
import type { Processes } from '../cpu.ts';

/** A service of the usual kind beside ours, see service.py. */
export interface Peer {
  readonly url: string;
  readonly processes: Processes;
  /** Versions of what it is made of. */
  readonly versions: string;
  stop(): Promise<void>;
}

export const PEER_INSTALL_LINE =
  'apt-get install --no-install-recommends python3-fastapi python3-uvicorn python3-uvloop python3-httptools ' +
  'python3-redis python3-multipart python3-opencv';

/** Debian's own: its packages are for no other. */
const PYTHON = '/usr/bin/python3';
const VERSIONS = [
  'import platform, cv2, fastapi, multipart, redis.asyncio, uvicorn, uvloop, httptools',
  'print(f"Python {platform.python_version()}, FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__},',
  'cv2 {cv2.__version__}")',
];

/** Starts it on the Redis that ours uses; undefined where its packages are missing. */
export async function startPeer({ url: redisUrl, pid: redisPid }: { url: string; pid: number }) {
  const [imports = '', ...print] = VERSIONS;
  const { code, output } = await runCommand(PYTHON, ['-c', `${imports}\n${print.join(' ')}`]);
  if (code !== 0) return undefined;
  const port = await findFreePort();
  const command = `-m uvicorn service:app --port ${port} --log-level warning --no-access-log`;
  const uvicorn = await startProcess(PYTHON, command.split(' '), {
    cwd: fromRoot('bench', 'peer'),
    env: { ...process.env, REDIS_URL: redisUrl, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await untilItResponds(`${url}/health`);
  const peer: Peer = {
    url,
    processes: { uvicorn: uvicorn.pid, redis: redisPid },
    versions: output.trim(),
    stop: uvicorn.stop,
  };
  return peer;
}
