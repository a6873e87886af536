import type { VehicleOptions } from '../../shared/contract/vehicles.ts';
import { clientIdentity } from '../access/client-identity.ts';
import type { EdgeContext } from '../context.ts';
import type { FormPart } from '../http/form.ts';
import { reserveWork } from '../middleware/rate-limit.ts';
import type { Timing } from '../observability/timing.ts';
import type { Services } from '../services.ts';
import type { FoundVehicle } from './vehicle-source.ts';

/** Identifies one image of a form, and classifies it where no cache has that. Errors as of both. */
export async function classifyUpload(
  context: EdgeContext,
  { ingest, vehicles, access }: Services,
  {
    part,
    options,
    timing,
    signal,
  }: { part: FormPart; options: VehicleOptions; timing: Timing; signal?: AbortSignal },
): Promise<FoundVehicle> {
  const image = await ingest.identifyVehicle(part, timing);
  return vehicles.obtain({
    ...image,
    options,
    timing,
    requestId: context.get('requestId'),
    // Only a miss needs them, and they cost every hit.
    get client() {
      return clientIdentity(context);
    },
    get signal() {
      return signal ?? context.req.raw.signal;
    },
    trace: context.get('trace'),
    keepAlive: (work) => context.executionCtx.waitUntil(work),
    reserveWork: () => reserveWork(access.rateLimit, context),
  });
}
