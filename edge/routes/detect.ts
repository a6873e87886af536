import type { Hono } from 'hono';
import { type DetectParameters, parseDetectParameters } from '../../shared/contract/parameters.ts';
import { detect } from '../../shared/contract/routes/detect.ts';
import { clientIdentity } from '../access/client-identity.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { requirePayload, respondWithFeatures } from '../features/feature-response.ts';
import { addRoute } from '../http/add-route.ts';
import { needsPayload, negotiateFormat } from '../http/negotiation.ts';
import { SINGLE_IMAGE } from '../ingest/image-form.ts';
import type { ReceivedForm } from '../ingest/ingest.ts';
import { reserveWork } from '../middleware/rate-limit.ts';
import type { Services } from '../services.ts';

/** `POST /api/v1/features/detect`: an image in, its features out. */
export function registerDetect(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, detect, async (context) => {
    const form = await services.ingest.receive(context, SINGLE_IMAGE, parseDetectParameters);
    try {
      return await detectImage(context, services, form);
    } finally {
      form.lease.release();
    }
  });
}

async function detectImage(
  context: EdgeContext,
  { ingest, features, responses, access }: Services,
  { images, parameters: { sift, representation }, lease }: ReceivedForm<DetectParameters>,
): Promise<Response> {
  const timing = context.get('timing');
  const format = negotiateFormat(context, representation);
  const image = await ingest.identify(images[0], sift, timing);
  const hold = needsPayload(format, representation) ? await responses.admit() : undefined;
  try {
    const found = await features.obtain({
      ...image,
      parameters: sift,
      needsPayload: needsPayload(format, representation),
      requestId: context.get('requestId'),
      trace: context.get('trace'),
      // A hit in memory needs neither.
      get client() {
        return clientIdentity(context);
      },
      // Made by the platform when it is requested, and a hit in memory never does.
      get signal() {
        return context.req.raw.signal;
      },
      keepAlive: (work) => context.executionCtx.waitUntil(work),
      reserveWork: () => reserveWork(access.rateLimit, context),
      releaseBytes: () => lease.release(),
      timing,
    });
    if (hold) responses.fit(hold, requirePayload(found).payload.length);
    return respondWithFeatures(context, found, { format, representation, hold });
  } catch (error) {
    hold?.release();
    throw error;
  }
}
