import type { Hono } from 'hono';
import Negotiator from 'negotiator';
import { NDJSON } from '../../shared/contract/media-types.ts';
import { classifyVehicles } from '../../shared/contract/routes/vehicles.ts';
import { parseBatchClassifyParameters } from '../../shared/contract/vehicles.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { VEHICLE_BATCH } from '../ingest/image-form.ts';
import type { Services } from '../services.ts';
import { VehicleBatch } from '../vehicles/vehicle-batch.ts';

const HEADERS = { 'Cache-Control': 'no-store', Vary: 'Accept' };

/** `POST /api/vehicle/classify-batch`: many images in, one document, or a line for each as it completes. */
export function registerVehicleClassifyBatch(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, classifyVehicles, async (context) => {
    const form = await services.ingest.receive(context, VEHICLE_BATCH, parseBatchClassifyParameters);
    const batch = new VehicleBatch(context, services, form);
    if (wantsLines(context)) {
      return context.body(batch.lines(), 200, { ...HEADERS, 'Content-Type': NDJSON });
    }
    try {
      return context.json(await batch.document(), 200, HEADERS);
    } finally {
      form.lease.release();
    }
  });
}

/** JSON unless lines are preferred. */
function wantsLines(context: EdgeContext): boolean {
  const accept = context.req.header('accept');
  if (accept === undefined) return false;
  return new Negotiator({ headers: { accept } }).mediaType(['application/json', NDJSON]) === NDJSON;
}
