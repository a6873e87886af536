import type { Context } from 'hono';
import type { TraceContext } from '../shared/contract/trace-context.ts';
import type { Authenticator } from './access/authenticator.ts';
import type { Assets } from './assets.ts';
import type { CacheAdministration } from './cache/cache-administration.ts';
import type { FeatureSource } from './feature-source.ts';
import type { Health } from './health.ts';
import type { RateLimit } from './middleware/rate-limit.ts';
import type { OriginClient } from './origin-client.ts';
import type { RequestLog } from './request-log.ts';
import type { Stats } from './stats/stats.ts';
import type { Timing } from './timing.ts';
import type { UploadLimits } from './upload.ts';
import type { UploadBudget } from './upload-budget.ts';

/** What the routes work with; made once per isolate by `services.ts`. */
export interface Services {
  features: FeatureSource;
  health: Health;
  origin: OriginClient;
  limits: UploadLimits;
  stats: Stats;
  log: RequestLog;
  assets: Assets;
  uploads: UploadBudget;
  cacheAdministration: CacheAdministration;
  access: AccessRules;
}

/** Who may call what, and how often. */
export interface AccessRules {
  authenticator: Authenticator;
  /** Whether all of `/api/` takes an API key; what administers takes one always. */
  requireApiKey: boolean;
  /** Undefined for no limit. */
  rateLimit: RateLimit | undefined;
  /** Origins of the pages that may call the API from a browser; `*` for any. */
  corsOrigins: readonly string[];
}

/** What only the platform's entry knows of a request. */
export interface Platform {
  /** Address at the other end of the connection, perhaps with a port. */
  peerAddress(): string | undefined;
}

/** Hono's types for our context: services by the app's factory, the rest by middleware. */
export interface EdgeEnvironment {
  Bindings: Platform;
  Variables: {
    requestId: string;
    timing: Timing;
    /** Of the API key that the request came with, where it takes one. */
    apiKeyId?: string;
    /** Whose quota the request uses, where there are quotas. */
    rateLimitClient?: string;
    trace: TraceContext;
  };
}

export type EdgeContext = Context<EdgeEnvironment>;
