import { reportDone, reportProblem } from './report.ts';
import { runCommand } from './run-command.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

/** Debian's Python: apt installs packages only for it. */
export const PEER_PYTHON = '/usr/bin/python3';

const PACKAGES = {
  purpose: 'the Python service that the benchmark compares with',
  apt:
    'python3-fastapi python3-uvicorn python3-uvloop python3-httptools python3-redis python3-multipart ' +
    'python3-opencv',
};
const IMPORTS = 'import cv2, fastapi, multipart, redis.asyncio, uvicorn, uvloop, httptools';

/** What the benchmark's peer needs; without it the benchmark measures our service alone. */
export async function ensurePeer(): Promise<void> {
  try {
    if (!(await isThere())) await installSystemPackages(PACKAGES);
    if (!(await isThere())) throw new SetUpError(`${PACKAGES.purpose} does not run on ${PEER_PYTHON}`);
    reportDone('FastAPI and cv2');
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    reportProblem(error.message);
  }
}

async function isThere(): Promise<boolean> {
  return (await runCommand(PEER_PYTHON, ['-c', IMPORTS])).code === 0;
}
