import { HEALTH_EXAMPLE, STATS_EXAMPLE } from '../examples.ts';
import { json, type Operation, problems, response } from '../operation.ts';

const health = (path: string, operationId: string): Operation => ({
  method: 'get',
  path,
  operationId,
  tag: 'service',
  summary: 'Whether features can be had',
  description:
    '`degraded` is without Redis: everything works, slower. `unhealthy`, with status 503, is without an origin: ' +
    'only what is cached can be answered.',
  responses: {
    ...problems(path, {}),
    200: response('`healthy` or `degraded`', [], json('Health', HEALTH_EXAMPLE)),
    503: response('`unhealthy`, or not set up completely', [], {
      ...json('Health', { ...HEALTH_EXAMPLE, status: 'unhealthy', feature_detector_ready: false }),
      ...problems(path, {})['503']?.content,
    }),
  },
});

export const healthSummary = health('/health', 'health');
export const healthReady = health('/health/ready', 'ready');

export const healthLive: Operation = {
  method: 'get',
  path: '/health/live',
  operationId: 'live',
  tag: 'service',
  summary: 'Whether the edge answers at all',
  responses: {
    ...problems('/health/live', {}),
    200: response('It does', [], json('Alive', { status: 'alive' })),
  },
};

export const stats: Operation = {
  method: 'get',
  path: '/api/v1/stats',
  operationId: 'stats',
  tag: 'service',
  summary: 'What the service has done so far',
  description:
    'Counted in the memory of each edge and added up in Redis every few seconds, so the last seconds may be ' +
    'missing. Requests without a route are counted as `other`.',
  responses: {
    200: response('Counts since the beginning', [], json('Stats', STATS_EXAMPLE)),
    ...problems('/api/v1/stats', {}),
  },
};
