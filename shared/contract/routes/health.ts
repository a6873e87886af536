import {
  aliveResponseSchema,
  healthResponseSchema,
  readyResponseSchema,
  unhealthyResponseSchema,
  unreadyResponseSchema,
} from '../responses.ts';
import { defineRoute } from '../route.ts';

/** The same at two paths: for people, and for load balancers. */
const READINESS = {
  method: 'GET',
  tag: 'service',
  summary: 'Whether the service can compute features',
  description:
    'With `degraded`, Redis is not available: everything works, but slower. With `unhealthy` and status 503, no origin ' +
    'is available: only cached results are.',
  responses: {
    200: {
      description: '`healthy` or `degraded`',
      content: { 'application/json': healthResponseSchema },
    },
    503: {
      description: '`unhealthy`, or not fully configured',
      content: { 'application/json': unhealthyResponseSchema },
    },
  },
  errors: {},
} as const;

export const health = defineRoute({ ...READINESS, path: '/health', operationId: 'health' });

export const ready = defineRoute({
  ...READINESS,
  responses: {
    200: { ...READINESS.responses[200], content: { 'application/json': readyResponseSchema } },
    503: { ...READINESS.responses[503], content: { 'application/json': unreadyResponseSchema } },
  },
  path: '/health/ready',
  operationId: 'ready',
});

export const live = defineRoute({
  method: 'GET',
  path: '/health/live',
  operationId: 'live',
  tag: 'service',
  summary: 'Whether the edge responds at all',
  responses: {
    200: { description: 'The edge responds', content: { 'application/json': aliveResponseSchema } },
  },
  errors: {},
});
