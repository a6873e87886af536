import { ServiceError } from '../../shared/contract/errors.ts';
import { RedisUnavailable } from './redis-client.ts';

/** The breaker's cooldown. */
const RETRY_AFTER_SECONDS = 2;

/** @throws ServiceError `SERVICE_NOT_READY` for `RedisUnavailable` */
export async function reachingRedis<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error;
    throw new ServiceError('SERVICE_NOT_READY', 'The cache cannot be reached at the moment.', {
      cause: error,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
}
