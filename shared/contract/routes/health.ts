import {
  aliveAnswerSchema,
  healthAnswerSchema,
  readyAnswerSchema,
  unhealthyAnswerSchema,
  unreadyAnswerSchema,
} from '../answers.ts';
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
      content: { 'application/json': healthAnswerSchema },
    },
    503: {
      description: '`unhealthy`, or not fully configured',
      content: { 'application/json': unhealthyAnswerSchema },
    },
  },
  errors: {},
} as const;

export const health = defineRoute({ ...READINESS, path: '/health', operationId: 'health' });

export const ready = defineRoute({
  ...READINESS,
  responses: {
    200: { ...READINESS.responses[200], content: { 'application/json': readyAnswerSchema } },
    503: { ...READINESS.responses[503], content: { 'application/json': unreadyAnswerSchema } },
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
    200: { description: 'The edge responds', content: { 'application/json': aliveAnswerSchema } },
  },
  errors: {},
});
