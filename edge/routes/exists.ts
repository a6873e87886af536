import type { Hono } from 'hono';
import { type ExistsResponse, existsBodySchema } from '../../shared/contract/exists.ts';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { exists } from '../../shared/contract/routes/exists.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { readJsonBody } from '../http/json-body.ts';
import { queryParameters } from '../http/query.ts';
import { chargeHashes } from '../middleware/rate-limit.ts';
import type { Services } from '../services.ts';

/** A thousand hashes are 67 kB. */
const MAX_BODY_BYTES = 128 * 1024;

/** `POST /api/v1/features/exists`: which of many images have cached features, in one round trip to Redis. */
export function registerExists(app: Hono<EdgeEnvironment>, { features, ingest, access }: Services): void {
  addRoute(app, exists, async (context) => {
    const timing = context.get('timing');
    const parameters = parseSiftParameters(queryParameters(context.req.raw));
    const body = await timing.measure('validate', () =>
      readJsonBody(context.req.raw, existsBodySchema, {
        maxBytes: MAX_BODY_BYTES,
        timeoutMs: ingest.timeoutMs,
      }),
    );
    if (access.rateLimit) chargeHashes(access.rateLimit, context, body.sha256.length);
    const hashes = [...new Set(body.sha256)];
    const cached = await features.findCached(hashes, parameters, timing);
    const response: ExistsResponse = {
      success: true,
      cached,
      missing: hashes.length - cached.length,
      processing_time_ms: Number(timing.elapsedMs.toFixed(1)),
      request_id: context.get('requestId'),
    };
    return context.json(response, 200, { 'Cache-Control': 'no-store' });
  });
}
