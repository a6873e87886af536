/** `npm run dev`: the whole service on this machine, with an edge that is built anew whenever a source changes. */
import { runLocalService } from './local-service.ts';
import { startWatchedWorker } from './worker/watch-worker.ts';

await runLocalService(startWatchedWorker);
