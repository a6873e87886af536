import type { Hono } from 'hono';
import { NDJSON } from '../../shared/contract/media-types.ts';
import { type DetectParameters, parseBatchParameters } from '../../shared/contract/parameters.ts';
import { batch } from '../../shared/contract/routes/batch.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { Batch } from '../features/batch.ts';
import { addRoute } from '../http/add-route.ts';
import type { FormPart } from '../http/form.ts';
import { requireAccepted } from '../http/negotiation.ts';
import { queryParameters } from '../http/query.ts';
import { batchBytes, readBatchUpload } from '../ingest/batch-upload.ts';
import type { Services } from '../services.ts';

/** `POST /api/v1/features/batch`: many images in, a line of features for each as it completes. */
export function registerBatch(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, batch, async (context) => {
    const lease = await services.uploads.acquire(batchBytes(context.req.raw, services.limits));
    try {
      const request = await context.get('timing').measure('validate', () => readBatch(context, services));
      const work = new Batch(context, services, request);
      context.executionCtx.waitUntil(work.run().finally(lease.release));
      return context.body(work.answer, 200, {
        'Content-Type': NDJSON,
        'Cache-Control': 'no-store',
        Vary: 'Accept',
      });
    } catch (error) {
      lease.release();
      throw error;
    }
  });
}

async function readBatch(
  context: EdgeContext,
  { limits }: Services,
): Promise<{ images: FormPart[]; parameters: DetectParameters }> {
  const { images, fields } = await readBatchUpload(context.req.raw, limits);
  requireAccepted(context, NDJSON);
  const parameters = parseBatchParameters([...queryParameters(context.req.raw), ...fields]);
  return { images, parameters };
}
