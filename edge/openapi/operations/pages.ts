import { type Operation, problems, response } from '../operation.ts';
import type { JsonSchema } from '../schemas.ts';

const page = (path: string, operationId: string, summary: string): Operation => ({
  method: 'get',
  path,
  operationId,
  tag: 'pages',
  summary,
  responses: {
    200: response('The page', ['Cache-Control'], { 'text/html': { schema: { type: 'string' } } }),
    ...problems(path, { NOT_FOUND: 'There is no such file.' }),
  },
});

const ANY_OBJECT: JsonSchema = { type: 'object' };

export const dashboard = page('/', 'dashboard', 'Dashboard');
export const swaggerUi = page('/docs', 'swaggerUi', 'This documentation, to try out');
export const redoc = page('/redoc', 'redoc', 'This documentation, to read');

export const openApi: Operation = {
  method: 'get',
  path: '/openapi.json',
  operationId: 'openApi',
  tag: 'pages',
  summary: 'This document',
  responses: {
    200: response('OpenAPI 3.1', ['Cache-Control'], { 'application/json': { schema: ANY_OBJECT } }),
    ...problems('/openapi.json', { NOT_FOUND: 'There is no such file.' }),
  },
};

export const pageFile: Operation = {
  method: 'get',
  path: '/assets/{file}',
  operationId: 'pageFile',
  tag: 'pages',
  summary: 'A script, style sheet or picture of the pages',
  parameters: [
    { name: 'file', in: 'path', required: true, schema: { type: 'string' }, example: 'dashboard.css' },
  ],
  responses: {
    200: response('The file', ['Cache-Control'], {
      'text/javascript': { schema: { type: 'string' } },
      'text/css': { schema: { type: 'string' } },
      'image/svg+xml': { schema: { type: 'string' } },
    }),
    ...problems('/assets/nothing.css', { NOT_FOUND: 'There is no such file.' }),
  },
};
