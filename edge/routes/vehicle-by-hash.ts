import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { classifyVehicle, vehicleByHash } from '../../shared/contract/routes/vehicles.ts';
import { parseClassifyParameters } from '../../shared/contract/vehicles.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { namesAny, namesTag } from '../http/conditional.ts';
import { parseSha256 } from '../http/path-hash.ts';
import { queryParameters } from '../http/query.ts';
import type { Services } from '../services.ts';
import { respondWithVehicle, secondsLeft, vehicleEtag } from '../vehicles/vehicle-response.ts';

/** `GET` and `HEAD /api/vehicle/{sha256}`: a classification that the caches have, without an upload. */
export function registerVehicleByHash(app: Hono<EdgeEnvironment>, { vehicles }: Services): void {
  addRoute(app, vehicleByHash, async (context) => {
    const sha256 = parseSha256(context.req.param('sha256'));
    const parameters = parseClassifyParameters(queryParameters(context.req.raw));
    const { options, include } = parameters;
    const found = await vehicles.find({ sha256, options, timing: context.get('timing') });
    if (!found) {
      throw new ServiceError(
        'NOT_FOUND',
        'The classification of this image is not cached. Upload the image.',
        {
          details: { sha256, upload: classifyVehicle.path },
        },
      );
    }
    const { key, expires_at } = found.record;
    const etag = vehicleEtag(key, include);
    // A new model gives another classification at the same path: no longer than we keep it ourselves.
    const cacheControl = `public, max-age=${secondsLeft(expires_at)}`;
    if (namesTag(context, etag) || namesAny(context)) {
      return context.body(null, 304, { ETag: etag, 'Cache-Control': cacheControl });
    }
    context.header('Cache-Control', cacheControl);
    return respondWithVehicle(context, found, parameters);
  });
}
