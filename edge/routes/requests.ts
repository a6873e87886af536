import type { Hono } from 'hono';
import { parseTextParameters } from '../../shared/contract/parameters.ts';
import { requestsQuerySchema } from '../../shared/contract/requests.ts';
import { requests } from '../../shared/contract/routes/requests.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { queryParameters } from '../http/query.ts';
import type { Services } from '../services.ts';

/** `GET /api/v1/requests`: the latest requests, for administrators. */
export function registerRequests(app: Hono<EdgeEnvironment>, { stats }: Services): void {
  addRoute(app, requests, async (context) => {
    const query = parseTextParameters(requestsQuerySchema, queryParameters(context.req.raw));
    return context.json(await stats.readRequests(query), 200, { 'Cache-Control': 'no-store' });
  });
}
