/** A thread like the origin's that does nothing but classify what it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { runTask } from '../../origin/jobs/run-task.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { loadClassifier } from '../../origin/vehicles/classifier.ts';
import { readImageHeader } from '../../shared/image-header.ts';

const classifier = await loadClassifier(workerData);
const addon = loadNativeAddon();

parentPort?.on('message', async (bytes: Uint8Array<ArrayBuffer>) => {
  const task = {
    kind: 'classify',
    bytes,
    sha256: '',
    header: readImageHeader(bytes),
    options: { explained: false },
    model: 'champion',
  } as const;
  await runTask(addon, task, undefined, async () => classifier);
  parentPort?.postMessage('done');
});
parentPort?.postMessage('ready');
