/** `npm start`: the whole service on this machine, until Ctrl-C or SIGTERM. */
import { runLocalService } from './local-service.ts';
import { buildWorker } from './worker/build-worker.ts';
import { startWorker } from './worker/run-worker.ts';

await runLocalService(async (options) => {
  await buildWorker();
  return startWorker(options);
});
