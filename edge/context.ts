import type { Context } from 'hono';
import type { FeatureSource } from './feature-source.ts';
import type { Health } from './health.ts';
import type { Timing } from './timing.ts';
import type { UploadLimits } from './upload.ts';
import type { UploadBudget } from './upload-budget.ts';

/** What the routes work with; made once per isolate by `services.ts`. */
export interface Services {
  features: FeatureSource;
  health: Health;
  limits: UploadLimits;
  uploads: UploadBudget;
}

/** Hono's types for our context: services by the app's factory, the rest by middleware. */
export interface EdgeEnvironment {
  Variables: {
    requestId: string;
    timing: Timing;
  };
}

export type EdgeContext = Context<EdgeEnvironment>;
