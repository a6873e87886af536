import type { FastifyRequest } from 'fastify';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';

/** For callers that do not say how long. */
const DEFAULT_TTL_SECONDS = 3600;

/** How long the caller keeps the result. */
export function cacheTtl({ headers }: FastifyRequest): number {
  const text = headers[ORIGIN_HEADERS.cacheTtl];
  return typeof text === 'string' && /^[0-9]{1,9}$/.test(text) ? Number(text) : DEFAULT_TTL_SECONDS;
}
