import { Hono } from 'hono';
import { ServiceError } from '../shared/contract/errors.ts';
import { SettingsError } from '../shared/settings.ts';
import { createApp } from './app.ts';
import { parseConfiguration } from './configuration.ts';
import type { EdgeEnvironment } from './context.ts';
import type { Assets } from './http/assets.ts';
import { respondWithError } from './middleware/errors.ts';
import { requestContext } from './middleware/request-context.ts';
import { logError } from './observability/log.ts';
import { createServices } from './services.ts';

/** The app for this environment; with a faulty one, an app that says so to the operator and 503 to everyone. */
export function startApp(environment: Record<string, unknown>, assets: Assets): Hono<EdgeEnvironment> {
  try {
    return createApp(createServices(parseConfiguration(environment), assets));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return misconfiguredApp(error);
  }
}

function misconfiguredApp(error: SettingsError): Hono<EdgeEnvironment> {
  logError('the configuration is not valid', error);
  const app = new Hono<EdgeEnvironment>();
  app.use(requestContext());
  app.notFound((context) =>
    respondWithError(
      new ServiceError('SERVICE_NOT_READY', 'The service is not fully configured.', { cause: error }),
      context,
    ),
  );
  return app;
}
