import type { MiddlewareHandler } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { allows } from '../../shared/contract/scopes.ts';
import { SERVICE_NAME } from '../../shared/service.ts';
import type { ApiKeyRecord } from '../access/api-key.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { requiredScope } from '../access/required-scope.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';

/**
 * Lets a request pass whose API key (`Authorization: Bearer` or `X-API-Key`) has the scope that its route takes;
 * what the service responds then is no business of shared caches.
 *
 * @throws ServiceError `UNAUTHORIZED`, `FORBIDDEN`, `SERVICE_NOT_READY`
 */
export function authentication(options: {
  authenticator: Authenticator;
  /** Called before a key is looked up in Redis. */
  beforeLookUp: (context: EdgeContext) => void;
}): MiddlewareHandler<EdgeEnvironment> {
  const { authenticator, beforeLookUp } = options;

  async function identify(context: EdgeContext, key: string): Promise<ApiKeyRecord | null> {
    const keepAlive = (work: Promise<unknown>) => context.executionCtx.waitUntil(work);
    const recalled = authenticator.recall(key, keepAlive);
    if (recalled !== undefined) return recalled;
    beforeLookUp(context);
    return context.get('timing').measure('key', () => authenticator.lookUp(key, keepAlive));
  }

  return async (context, next) => {
    const scope = requiredScope(context.req.method, context.req.path);
    const key = presentedKey(context);
    if (key === undefined) {
      throw new ServiceError('UNAUTHORIZED', 'Send an API key as "Authorization: Bearer" or "X-API-Key".', {
        details: { required_scope: scope },
        challenge: challenge(),
      });
    }
    const record = await identify(context, key);
    if (!record) {
      throw new ServiceError('UNAUTHORIZED', 'The API key is unknown or has been revoked.', {
        details: { required_scope: scope },
        challenge: challenge('error="invalid_token"'),
      });
    }
    if (!allows(record.scope, scope)) {
      throw new ServiceError('FORBIDDEN', `This request needs an API key with the scope "${scope}".`, {
        details: { required_scope: scope, scope: record.scope },
        challenge: challenge('error="insufficient_scope"', `scope="${scope}"`),
      });
    }
    context.set('apiKeyId', record.id);
    await next();
    keepFromSharedCaches(context.res.headers);
  };
}

const BEARER = /^Bearer +(\S+) *$/i;

function presentedKey(context: EdgeContext): string | undefined {
  const authorization = context.req.header('authorization');
  if (authorization !== undefined) return BEARER.exec(authorization)?.[1];
  return context.req.header('x-api-key');
}

/** RFC 6750, section 3. */
function challenge(...parameters: string[]): string {
  return `Bearer ${[`realm="${SERVICE_NAME}"`, ...parameters].join(', ')}`;
}

function keepFromSharedCaches(headers: Headers): void {
  const cacheControl = headers.get('Cache-Control');
  if (cacheControl?.includes('public')) {
    headers.set('Cache-Control', cacheControl.replace('public', 'private'));
  }
}
