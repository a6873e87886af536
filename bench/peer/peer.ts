import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { findFreePort } from '../../test/fixtures/free-port.ts';
import { untilItResponds } from '../../test/fixtures/until.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { startProcess } from '../../tools/running-process.ts';
import { PEER_PYTHON } from '../../tools/set-up/peer.ts';
import { runCommand } from '../../tools/set-up/run-command.ts';
import type { Processes } from '../cpu.ts';

/** Its versions, and of OpenCV what decides its speed: instruction sets, Intel's IPP, and what runs its threads. */
const VERSIONS = `
import platform, cv2, fastapi, uvicorn
print(f"Python {platform.python_version()}, FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__}", end="")
build = dict(line.strip().split(":", 1) for line in cv2.getBuildInformation().splitlines() if ":" in line)
facts = {"IPP": "Intel IPP", "dispatch": "Dispatched code generation", "threads": "Parallel framework"}
words = [f"{name}: {' '.join(build.get(key, 'none').split())}" for name, key in facts.items()]
print(f", OpenCV {cv2.__version__} ({'; '.join(words)}) from {cv2.__file__}")
`;

/** A service of the usual kind beside ours, see service.py. */
export interface Peer {
  readonly url: string;
  readonly processes: Processes;
  /** Versions of what it is made of. */
  readonly versions: string;
  stop(): Promise<void>;
}

/** Starts it on the Redis that ours uses; undefined where its packages are missing. */
export async function startPeer({ url: redisUrl, pid: redisPid }: { url: string; pid: number }) {
  const environment = { ...process.env, PYTHONPATH: openCvForPython(), PYTHONDONTWRITEBYTECODE: '1' };
  const { code, output } = await runCommand(PEER_PYTHON, ['-c', VERSIONS], environment);
  if (code !== 0) return undefined;
  const port = await findFreePort();
  const command = `-m uvicorn service:app --port ${port} --log-level warning --no-access-log`;
  const uvicorn = await startProcess(PEER_PYTHON, command.split(' '), {
    cwd: fromRoot('bench', 'peer'),
    env: { ...environment, REDIS_URL: redisUrl },
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

/** Where Python looks for cv2 first: in the installation that `OPENCV_DIR` names, or its own packages. */
function openCvForPython(): string {
  const prefix = process.env.OPENCV_DIR;
  if (!prefix) return '';
  const folders = [prefix, ...globSync(path.join(prefix, 'lib', 'python3*', '{site,dist}-packages'))];
  const found = folders.find((folder) => existsSync(path.join(folder, 'cv2')));
  if (found === undefined) throw new Error(`OPENCV_DIR=${prefix} has no Python package cv2`);
  return found;
}
