import * as z from 'zod';
import { defineRoute } from '../route.ts';

const PAGE = {
  method: 'GET',
  tag: 'pages',
  responses: {
    200: { description: 'The page', headers: ['Cache-Control'], content: { 'text/html': z.string() } },
  },
  errors: { NOT_FOUND: 'This file does not exist.' },
} as const;

export const dashboard = defineRoute({
  ...PAGE,
  path: '/',
  operationId: 'dashboard',
  summary: 'Dashboard',
});

export const swaggerUi = defineRoute({
  ...PAGE,
  path: '/docs',
  operationId: 'swaggerUi',
  summary: 'API documentation with a form for each route (Swagger UI)',
});

export const redoc = defineRoute({
  ...PAGE,
  path: '/redoc',
  operationId: 'redoc',
  summary: 'API documentation on one page (Redoc)',
});

export const openApi = defineRoute({
  ...PAGE,
  path: '/openapi.json',
  operationId: 'openApi',
  summary: 'The OpenAPI document',
  responses: {
    200: {
      description: 'OpenAPI 3.1',
      headers: ['Cache-Control'],
      content: { 'application/json': z.looseObject({}) },
    },
  },
});

export const pageFile = defineRoute({
  ...PAGE,
  path: '/assets/{file}',
  operationId: 'pageFile',
  summary: 'A script, style sheet or image of the pages',
  pathParameters: {
    file: { schema: z.string(), description: 'Name of the file', example: 'dashboard.css' },
  },
  responses: {
    200: {
      description: 'The file',
      headers: ['Cache-Control'],
      content: { 'text/javascript': z.string(), 'text/css': z.string(), 'image/svg+xml': z.string() },
    },
  },
});
