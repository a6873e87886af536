import { Hono, type MiddlewareHandler } from 'hono';
import { ServiceError } from '../shared/contract/errors.ts';
import { INFERENCE_PATH } from '../shared/contract/inference.ts';
import { requests } from '../shared/contract/routes/requests.ts';
import type { EdgeContext, EdgeEnvironment } from './context.ts';
import { allowedMethods } from './http/allowed-methods.ts';
import { authentication } from './middleware/authentication.ts';
import { crossOriginRequests } from './middleware/cors.ts';
import { respondWithError } from './middleware/errors.ts';
import { headResponses } from './middleware/head-responses.ts';
import { observation } from './middleware/observation.ts';
import { admitNetwork, rateLimit, rateLimitHeaders } from './middleware/rate-limit.ts';
import { readRefusedBodies } from './middleware/refused-bodies.ts';
import { requestContext } from './middleware/request-context.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { registerBatch } from './routes/batch.ts';
import { registerCacheKeys } from './routes/cache-keys.ts';
import { registerDetect } from './routes/detect.ts';
import { registerExists } from './routes/exists.ts';
import { registerFeaturesByHash } from './routes/features-by-hash.ts';
import { registerHealth } from './routes/health.ts';
import { registerInference } from './routes/inference.ts';
import { registerJobs } from './routes/jobs.ts';
import { registerMatch } from './routes/match.ts';
import { registerPages } from './routes/pages.ts';
import { registerRequests } from './routes/requests.ts';
import { registerStats } from './routes/stats.ts';
import { registerVehicleByHash } from './routes/vehicle-by-hash.ts';
import { registerVehicleClassify } from './routes/vehicle-classify.ts';
import { registerVehicleClassifyBatch } from './routes/vehicle-classify-batch.ts';
import { registerVehicleModels } from './routes/vehicle-models.ts';
import { registerVehicleReport } from './routes/vehicle-report.ts';
import type { AccessRules, Services } from './services.ts';

/** Paths that require an API key, if keys are required, and that count for rate limits. */
const API = ['/api/*', `${INFERENCE_PATH}/models/*`];
/** Paths that require an API key in every deployment. */
const ADMINISTRATION = ['/api/v1/cache/*', requests.path];

/** The public API. The same on every platform: what differs comes in with `services` and the execution context. */
export function createApp(services: Services): Hono<EdgeEnvironment> {
  const app = new Hono<EdgeEnvironment>();
  app.use(requestContext(services.tracing.sampleRate));
  app.use(observation(services));
  app.use(headResponses());
  app.use(securityHeaders());
  controlAccess(app, services.access);
  registerDetect(app, services);
  registerBatch(app, services);
  registerExists(app, services);
  registerFeaturesByHash(app, services);
  registerCacheKeys(app, services);
  registerMatch(app, services);
  registerVehicleClassify(app, services);
  registerVehicleClassifyBatch(app, services);
  registerVehicleByHash(app, services);
  registerVehicleReport(app, services);
  registerVehicleModels(app, services);
  registerInference(app, services);
  registerJobs(app, services);
  registerHealth(app, services);
  registerRequests(app, services);
  registerStats(app, services);
  registerPages(app, services);
  app.notFound(refuseUnknown);
  app.onError(respondWithError);
  return app;
}

function refuseUnknown(context: EdgeContext): Response {
  const { method, path } = context.req;
  const allowed = allowedMethods(path);
  if (allowed.length === 0) {
    return respondWithError(new ServiceError('NOT_FOUND', 'This path does not exist.'), context);
  }
  const message = `This path does not support the method ${method.slice(0, 32)}.`;
  const response = respondWithError(
    new ServiceError('METHOD_NOT_ALLOWED', message, { details: { allowed } }),
    context,
  );
  response.headers.set('Allow', allowed.join(', '));
  return response;
}

/** What is not configured is not mounted. */
function controlAccess(app: Hono<EdgeEnvironment>, access: AccessRules): void {
  const { authenticator, requireApiKey, rateLimit: limit, corsOrigins } = access;
  if (corsOrigins.length > 0) app.use(crossOriginRequests(corsOrigins));
  const beforeLookUp = (context: EdgeContext) => limit && admitNetwork(limit, context);
  const authenticate = authentication({ authenticator, beforeLookUp });
  const use = (paths: readonly string[], handler: MiddlewareHandler<EdgeEnvironment>) => {
    for (const path of paths) app.use(path, handler);
  };
  if (limit || requireApiKey) use(API, readRefusedBodies());
  if (limit) use(API, rateLimitHeaders(limit));
  use(requireApiKey ? API : ADMINISTRATION, authenticate);
  if (limit) use(API, rateLimit(limit));
}
