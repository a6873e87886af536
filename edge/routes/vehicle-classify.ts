import type { Hono } from 'hono';
import { classifyVehicle } from '../../shared/contract/routes/vehicles.ts';
import { parseClassifyParameters } from '../../shared/contract/vehicles.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { VEHICLE_IMAGE } from '../ingest/image-form.ts';
import type { Services } from '../services.ts';
import { classifyUpload } from '../vehicles/classify-upload.ts';
import { respondWithVehicle } from '../vehicles/vehicle-response.ts';

/** `POST /api/vehicle/classify`: an image in, what vehicle it shows out. */
export function registerVehicleClassify(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, classifyVehicle, async (context) => {
    const form = await services.ingest.receive(context, VEHICLE_IMAGE, parseClassifyParameters);
    try {
      const [part] = form.images;
      const { options } = form.parameters;
      const timing = context.get('timing');
      const found = await classifyUpload(context, services, { part, options, timing });
      return respondWithVehicle(context, found, form.parameters);
    } finally {
      form.lease.release();
    }
  });
}
