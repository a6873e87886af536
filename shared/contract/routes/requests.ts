import { MAX_RECENT_REQUESTS, requestsQuerySchema, requestsResponseSchema } from '../requests.ts';
import { defineRoute } from '../route.ts';

export const requests = defineRoute({
  method: 'GET',
  path: '/api/v1/requests',
  operationId: 'requests',
  tag: 'service',
  scope: 'admin',
  summary: 'The latest requests, the newest first',
  description:
    `At most ${MAX_RECENT_REQUESTS} are kept, for a day. They arrive some seconds after their responses. Successful ` +
    'requests for pages, health, statistics and this list are not in it. It contains nothing about images, API keys ' +
    'and client addresses.',
  query: requestsQuerySchema,
  responses: {
    200: {
      description: 'The requests that match the query',
      content: { 'application/json': requestsResponseSchema },
    },
  },
  errors: { INVALID_PARAMETER: "Parameter 'status' must be a status such as 404, or a class such as 4xx." },
});
