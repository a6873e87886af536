import { defineRoute } from '../route.ts';
import { statsResponseSchema } from '../stats.ts';

export const stats = defineRoute({
  method: 'GET',
  path: '/api/v1/stats',
  operationId: 'stats',
  tag: 'service',
  scope: 'read',
  summary: 'Statistics of the service',
  description:
    'Counted in the memory of each edge and added up in Redis every few seconds, so the last seconds may be ' +
    'missing. Requests without a route are counted as `other`.',
  responses: {
    200: { description: 'Counts since the beginning', content: { 'application/json': statsResponseSchema } },
  },
  errors: {},
});
