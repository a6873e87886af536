import { ROUTES } from '../../shared/contract/routes/index.ts';

/** Paths of the declared routes as patterns, with the methods that they have. */
const PATTERNS = Object.values(ROUTES).map(({ method, path }) => ({ method, pattern: patternOf(path) }));

/** The methods that a path has, for `Allow` (RFC 9110, 10.2.1); none where there is no such path. */
export function allowedMethods(path: string): string[] {
  const methods = PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
}

/** @param path as in a declaration; only its variables are more than letters, digits, slashes and dots */
function patternOf(path: string): RegExp {
  const pattern = path
    .replaceAll('.', '\\.')
    .replace(/\{\+\w+\}/g, '.+')
    .replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}
