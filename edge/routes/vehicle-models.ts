import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { vehicleModels } from '../../shared/contract/routes/vehicles.ts';
import { type ModelsResponse, vehicleAttributeSchema } from '../../shared/contract/vehicles.ts';
import { VEHICLE_IMAGE_FORMATS } from '../../shared/image-header.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';
import { now } from '../vehicles/vehicle-response.ts';

/** `GET /api/models/metadata`: which vehicle model serves, and what is known of it. */
export function registerVehicleModels(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, vehicleModels, async (context) => {
    const state = await services.vehicles.state();
    if (!state) {
      throw new ServiceError(
        'ORIGIN_UNAVAILABLE',
        'The vehicle classifier cannot be reached at the moment.',
        { retryAfterSeconds: 2 },
      );
    }
    const model = state.status === 'ready' ? state.model : undefined;
    const response: ModelsResponse = {
      status: 'success',
      timestamp: now(),
      data: {
        version: model?.version ?? null,
        pipeline_initialized: model !== undefined,
        ...(state.status === 'unavailable' && { reason: state.reason }),
        cached_models: model ? [`${model.name}@${model.version}`] : [],
        supported_attributes: vehicleAttributeSchema.options.filter((name) => model?.labels[name]),
        supported_formats: [...VEHICLE_IMAGE_FORMATS],
        max_image_size: services.ingest.maxImageBytes,
        cached_reports: services.vehicleReports.count,
        models: model ? [model] : [],
      },
    };
    return context.json(response, 200, { 'Cache-Control': 'no-store' });
  });
}
