import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { dashboard, openApi, pageFile, redoc, swaggerUi } from '../../shared/contract/routes/pages.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';

const MEDIA_TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
};

const PAGES = [
  [dashboard, 'dashboard.html'],
  [swaggerUi, 'docs.html'],
  [redoc, 'redoc.html'],
  [openApi, 'openapi.json'],
] as const;

/** Nothing from outside, and no script but our files. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // Swagger UI has its icons as data URLs; the dashboard shows the image that was chosen.
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Redoc makes its style sheets in the browser (styled-components). */
const REDOC_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** `GET /`, `/docs`, `/redoc`, `/openapi.json` and the files that they load. */
export function registerPages(app: Hono<EdgeEnvironment>, services: Services): void {
  for (const [page, file] of PAGES) {
    addRoute(app, page, (context) => respondWithFile(context, services, file));
  }
  addRoute(app, pageFile, (context) => respondWithFile(context, services, context.req.param('file')));
}

async function respondWithFile(context: EdgeContext, { assets }: Services, file: string): Promise<Response> {
  const mediaType = /^[a-z][a-z0-9.-]*\.([a-z]+)$/.exec(file)?.[1];
  const contentType = MEDIA_TYPES[mediaType ?? ''];
  const content = contentType && (await assets.open(file));
  if (!content) throw new ServiceError('NOT_FOUND', 'This file does not exist.');
  return context.body(content, 200, {
    'Content-Type': contentType,
    'Content-Security-Policy': file === 'redoc.html' ? REDOC_POLICY : POLICY,
    'Cache-Control': 'public, max-age=300',
  });
}
