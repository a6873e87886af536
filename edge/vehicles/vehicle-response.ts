import { vehicleModels } from '../../shared/contract/routes/vehicles.ts';
import type { ClassifyParameters, ClassifyResponse, VehicleData } from '../../shared/contract/vehicles.ts';
import { pairsOfOptions } from '../../shared/contract/vehicles.ts';
import type { EdgeContext } from '../context.ts';
import type { Timing } from '../observability/timing.ts';
import type { FoundVehicle } from './vehicle-source.ts';

/** `data` of a classification, for one request. */
export function vehicleData(
  { record, tier }: FoundVehicle,
  { include, options }: ClassifyParameters,
  { requestId, timing }: { requestId: string; timing: Timing },
): VehicleData {
  const { key, classified_at, expires_at, explanation, thumbnail, ...classification } = record;
  const place = pairsOfOptions({ box: options.box, explained: false });
  const query = new URLSearchParams([...place, ...(include === 'summary' ? [] : [['include', include]])]);
  const path = `/api/vehicle/${record.image.sha256}`;
  return {
    ...classification,
    ...(include !== 'summary' && explanation && { explanation }),
    ...(include === 'all' && thumbnail && { thumbnail }),
    processing_time_ms: Number(timing.elapsedMs.toFixed(1)),
    timestamp: new Date(classified_at).toISOString(),
    cached: tier !== null,
    cache: { tier, key, ttl_s: secondsLeft(expires_at) },
    links: { self: query.size === 0 ? path : `${path}?${query}`, model: vehicleModels.path },
    request_id: requestId,
  };
}

/** Weak, because the JSON also has the time and the cache tier of this response. */
export function vehicleEtag(key: string, include: ClassifyParameters['include']): string {
  return `W/"${key};${include}"`;
}

export function secondsLeft(expiresAt: number): number {
  return Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
}

export function now(): string {
  return new Date().toISOString();
}

/** One classification as JSON. */
export function respondWithVehicle(
  context: EdgeContext,
  found: FoundVehicle,
  parameters: ClassifyParameters,
): Response {
  const about = { requestId: context.get('requestId'), timing: context.get('timing') };
  const response: ClassifyResponse = {
    status: 'success',
    timestamp: now(),
    data: vehicleData(found, parameters, about),
  };
  setCacheHeader(context, found);
  context.header('ETag', vehicleEtag(found.record.key, parameters.include));
  return context.json(response);
}

export function setCacheHeader(context: EdgeContext, { tier }: FoundVehicle): void {
  context.header('X-Cache', tier ? `HIT ${tier}` : 'MISS');
}
