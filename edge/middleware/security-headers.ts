import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { EdgeEnvironment } from '../context.ts';

/**
 * What browsers need to be told of an API's answers: not to guess their type, to load nothing from them, to frame
 * them nowhere, and to come back over HTTPS. A route that serves pages sets its own policy, which stays.
 */
export function securityHeaders(): MiddlewareHandler<EdgeEnvironment> {
  return secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    strictTransportSecurity: 'max-age=31536000',
    xContentTypeOptions: true,
    referrerPolicy: true,
    // All about pages, about browsers long gone, or said by the policy above.
    crossOriginResourcePolicy: false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xFrameOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    removePoweredBy: false,
    overwrite: false,
  });
}
