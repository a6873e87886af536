import { type RouteDeclaration, TAGS } from '../../shared/contract/route.ts';
import { ROUTES } from '../../shared/contract/routes/index.ts';
import { SERVICE_VERSION } from '../../shared/service.ts';
import { COMMON_REQUEST_HEADERS, HEADERS } from './headers.ts';
import { headOperationOf, operationOf, SECURITY_SCHEMES } from './operation.ts';
import { componentSchemas } from './schemas.ts';

/**
 * The OpenAPI 3.1 description of the public API, made from the route declarations. It is built with the pages and
 * served as a file: nothing of it is in the Worker.
 */
export function openApiDocument() {
  return {
    openapi: '3.1.1',
    info: {
      title: 'edgesift',
      version: SERVICE_VERSION,
      summary: 'SIFT image features, cached at the edge',
      description:
        'Results are named by extractor, parameters and the SHA-256 of the image file, and never change. Errors are ' +
        'problem documents (RFC 9457).',
    },
    servers: [{ url: '/', description: 'Where this document came from' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(Object.values(ROUTES)),
    components: {
      schemas: componentSchemas(),
      headers: HEADERS,
      parameters: commonParameters(),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function pathsOf(routes: readonly RouteDeclaration[]): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll('{+', '{');
    paths[path] ??= {
      parameters: Object.keys(COMMON_REQUEST_HEADERS).map((name) => ({
        $ref: `#/components/parameters/${name}`,
      })),
    };
    paths[path][route.method.toLowerCase()] = operationOf(route);
    if (route.head) paths[path].head = headOperationOf(route, route.head);
  }
  return paths;
}

function commonParameters(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(COMMON_REQUEST_HEADERS).map(([name, header]) => [
      name,
      { name, in: 'header', required: false, ...header },
    ]),
  );
}
