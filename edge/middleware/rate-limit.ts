import type { MiddlewareHandler } from 'hono';
import { asServiceError } from '../../shared/contract/errors.ts';
import { EXISTS_HASHES_PER_UNIT } from '../../shared/contract/exists.ts';
import { clientNetwork } from '../access/client-address.ts';
import type { Quota, RateLimiter } from '../access/rate-limiter.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';

export interface RateLimit {
  limiter: RateLimiter;
  /** Units that a computed response costs, where one that was found costs one. */
  missCost: number;
  /** Name of the header that holds the client's address; undefined for that of the connection. */
  addressHeader: string | undefined;
}

/** Reports each client's quota to the client, and its use to Redis; wraps everything that may refuse the request. */
export function rateLimitHeaders({ limiter }: RateLimit): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    const client = context.get('rateLimitClient');
    if (client === undefined) return;
    const { headers } = context.res;
    const quota = limiter.quotaOf(client);
    headers.set('RateLimit-Policy', policyField(quota));
    headers.set('RateLimit', quotaField(quota));
    const report = limiter.report();
    if (report) context.executionCtx.waitUntil(report);
  };
}

/** @throws ServiceError `RATE_LIMITED` */
export function rateLimit(options: RateLimit): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    const keyId = context.get('apiKeyId');
    if (keyId === undefined) admitNetwork(options, context);
    else admit(options, context, `key:${keyId}`);
    await next();
  };
}

/**
 * Takes a unit for one more image of a request, whose first image its admission has paid for.
 *
 * @throws ServiceError `RATE_LIMITED`
 */
export function admitImage({ limiter }: RateLimit, context: EdgeContext): void {
  const client = context.get('rateLimitClient');
  if (client !== undefined) limiter.admit(client);
}

/**
 * Takes, before anything is computed, what that costs beside the unit of its admission.
 *
 * @returns gives it back, for what was found after all, or could not be computed through no fault of the client
 * @throws ServiceError `RATE_LIMITED`
 */
export function reserveWork(limit: RateLimit | undefined, context: EdgeContext): () => void {
  const client = context.get('rateLimitClient');
  if (!limit || client === undefined) return () => undefined;
  return limit.limiter.reserve(client, limit.missCost - 1);
}

/** Does work that has its price; it costs nothing where it fails through no fault of the client. */
export async function payingFor<Result>(
  limit: RateLimit | undefined,
  context: EdgeContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const giveBack = reserveWork(limit, context);
  try {
    return await work();
  } catch (error) {
    if (asServiceError(error).status >= 500) giveBack();
    throw error;
  }
}

/** Takes what an existence check of many hashes costs, beside the unit that its admission took. */
export function chargeHashes({ limiter }: RateLimit, context: EdgeContext, hashes: number): void {
  const client = context.get('rateLimitClient');
  if (client !== undefined) limiter.reserve(client, Math.ceil(hashes / EXISTS_HASHES_PER_UNIT) - 1);
}

/** Charges the client address of a request without an API key. @throws ServiceError `RATE_LIMITED` */
export function admitNetwork(options: RateLimit, context: EdgeContext): void {
  admit(options, context, `network:${clientNetwork(context, options.addressHeader)}`);
}

function admit({ limiter }: RateLimit, context: EdgeContext, client: string): void {
  context.set('rateLimitClient', client);
  limiter.admit(client);
}

const POLICY_NAME = 'default';

/** `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4. */
function policyField({ limit, windowSeconds }: Quota): string {
  return `"${POLICY_NAME}";q=${limit};w=${windowSeconds}`;
}

function quotaField({ remaining, resetSeconds }: Quota): string {
  return `"${POLICY_NAME}";r=${remaining};t=${resetSeconds}`;
}
