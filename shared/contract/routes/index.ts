import { batch } from './batch.ts';
import { deleteCacheKey, inspectCacheKey } from './cache-key.ts';
import { clearCacheKeys, listCacheKeys } from './cache-keys.ts';
import { detect } from './detect.ts';
import { exists } from './exists.ts';
import { featuresByHash } from './features-by-hash.ts';
import { health, live, ready } from './health.ts';
import {
  infer,
  inferenceLive,
  inferenceModel,
  inferenceModelReady,
  inferenceReady,
  inferenceServer,
  inferenceVersion,
  inferenceVersionReady,
  inferVersion,
} from './inference.ts';
import { cancelJob, createJob, getJob, jobEvents, listJobs, retryFailedImages } from './jobs.ts';
import { match } from './match.ts';
import { dashboard, openApi, pageFile, redoc, swaggerUi } from './pages.ts';
import { requests } from './requests.ts';
import { stats } from './stats.ts';
import { reportVehicle, vehicleReport } from './vehicle-reports.ts';
import { classifyVehicle, classifyVehicles, vehicleByHash, vehicleModels } from './vehicles.ts';

/** Every route of the public API by its `operationId`. */
export const ROUTES = {
  detect,
  batch,
  exists,
  featuresByHash,
  match,
  classifyVehicle,
  classifyVehicles,
  vehicleByHash,
  reportVehicle,
  vehicleReport,
  vehicleModels,
  inferenceServer,
  inferenceLive,
  inferenceReady,
  inferenceModel,
  inferenceVersion,
  inferenceModelReady,
  inferenceVersionReady,
  infer,
  inferVersion,
  createJob,
  listJobs,
  getJob,
  jobEvents,
  cancelJob,
  retryFailedImages,
  health,
  ready,
  live,
  stats,
  requests,
  listCacheKeys,
  clearCacheKeys,
  inspectCacheKey,
  deleteCacheKey,
  dashboard,
  swaggerUi,
  redoc,
  openApi,
  pageFile,
} as const;
export type Routes = typeof ROUTES;
