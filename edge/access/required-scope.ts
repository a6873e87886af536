import type { RouteDeclaration } from '../../shared/contract/route.ts';
import { ROUTES } from '../../shared/contract/routes/index.ts';
import type { Scope } from '../../shared/contract/scopes.ts';

/** Everything under this path administers the service. */
const ADMIN_PATH = '/api/v1/cache/';

const DECLARED = new Map(
  Object.values<RouteDeclaration>(ROUTES).map(({ method, path, scope }) => [`${method} ${path}`, scope]),
);

/**
 * The scope that a request to `/api/` takes: the one of its declaration where the path has no parameters. All
 * others, also those that have no route, take what their method does.
 */
export function requiredScope(method: string, path: string): Scope {
  const isReading = method === 'GET' || method === 'HEAD';
  const declared = DECLARED.get(`${isReading ? 'GET' : method} ${path}`);
  if (declared) return declared;
  if (path.startsWith(ADMIN_PATH)) return 'admin';
  return isReading ? 'read' : 'write';
}
