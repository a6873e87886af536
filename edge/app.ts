import { Hono } from 'hono';
import { ServiceError } from '../shared/contract/errors.ts';
import type { EdgeEnvironment, Services } from './context.ts';
import { answerError } from './middleware/errors.ts';
import { requestContext } from './middleware/request-context.ts';
import { registerDetect } from './routes/detect.ts';
import { registerFeaturesByHash } from './routes/features-by-hash.ts';
import { registerHealth } from './routes/health.ts';

/** The public API. The same on every platform: what differs comes in with `services` and the execution context. */
export function createApp(services: Services): Hono<EdgeEnvironment> {
  const app = new Hono<EdgeEnvironment>();
  app.use(requestContext());
  registerDetect(app, services);
  registerFeaturesByHash(app, services);
  registerHealth(app, services);
  app.notFound((context) => {
    return answerError(new ServiceError('NOT_FOUND', 'There is nothing at this path and method.'), context);
  });
  app.onError(answerError);
  return app;
}
