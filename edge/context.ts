import type { Context } from 'hono';
import type { ErrorCode } from '../shared/contract/errors.ts';
import type { TraceContext } from '../shared/contract/trace-context.ts';
import type { Timing } from './observability/timing.ts';

/** Facts about a request that only the platform's entry knows. */
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
    /** Of an error response. */
    errorCode?: ErrorCode;
  };
}

export type EdgeContext = Context<EdgeEnvironment>;
