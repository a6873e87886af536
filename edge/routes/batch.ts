import type { Hono } from 'hono';
import { NDJSON } from '../../shared/contract/media-types.ts';
import { parseBatchParameters } from '../../shared/contract/parameters.ts';
import { batch } from '../../shared/contract/routes/batch.ts';
import type { EdgeEnvironment } from '../context.ts';
import { Batch } from '../features/batch.ts';
import { addRoute } from '../http/add-route.ts';
import { requireAccepted } from '../http/negotiation.ts';
import { IMAGE_BATCH } from '../ingest/image-form.ts';
import type { Services } from '../services.ts';

/** `POST /api/v1/features/batch`: many images in, a line of features for each as it completes. */
export function registerBatch(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, batch, async (context) => {
    const form = await services.ingest.receive(context, IMAGE_BATCH, parseBatchParameters);
    try {
      requireAccepted(context, NDJSON);
      const work = new Batch(context, services, form);
      context.executionCtx.waitUntil(work.run());
      return context.body(work.response, 200, {
        'Content-Type': NDJSON,
        'Cache-Control': 'no-store',
        Vary: 'Accept',
      });
    } catch (error) {
      form.lease.release();
      throw error;
    }
  });
}
