import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../../shared/contract/errors.ts';
import {
  parseClassifyParameters,
  type VehicleRecord,
  type VehicleState,
  vehicleKey,
} from '../../shared/contract/vehicles.ts';
import { checkPixelCount, readVehicleImageHeader } from '../../shared/image-header.ts';
import { CLASSIFY_PATH, ORIGIN_HEADERS, VEHICLE_MODEL_PATH } from '../../shared/origin-protocol.ts';
import { cacheTtl } from '../http/cache-ttl.ts';
import { receiveUpload } from '../http/upload.ts';
import { tooManyUploads } from '../http/upload-memory.ts';
import type { ClassifiedImage } from '../jobs/classify.ts';
import { classifyJob } from '../jobs/classify-job.ts';
import type { Shadow, ShadowImage } from '../jobs/shadow.ts';
import { SharedJobs } from '../jobs/shared-jobs.ts';
import { predictedValues } from '../observability/vehicle-metrics.ts';
import type { Completed } from '../scheduler/pool.ts';
import type { ServingState } from '../vehicles/serving.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

export interface ClassifyDependencies extends JobDependencies {
  vehicles: ServingState;
  /** Lets the challenger run after the champion, where there is one. */
  shadow?: Shadow | undefined;
}

interface Classified {
  record: VehicleRecord;
  serverTiming: string;
}

/** `POST /v1/classify`, see shared/origin-protocol.ts. */
export async function classifyRoute(app: FastifyInstance, dependencies: ClassifyDependencies): Promise<void> {
  const jobs = new SharedJobs<Classified>(dependencies);
  addJobRoute(app, CLASSIFY_PATH, dependencies, async (job, request, reply) => {
    const { result, shadowImage } = await classify(job, request, jobs, dependencies);
    const { record, serverTiming } = result;
    if (shadowImage) reply.raw.once('close', () => shadowImage.compareWith(record));
    return sendClassification(reply, record, serverTiming);
  });
}

/** `GET /v1/vehicle-model`. */
export async function vehicleModelRoute(
  app: FastifyInstance,
  { vehicles }: Pick<ClassifyDependencies, 'vehicles'>,
): Promise<void> {
  const state: VehicleState =
    vehicles.status === 'ready'
      ? { status: 'ready', model: vehicles.served.model }
      : { status: 'unavailable', reason: vehicles.reason };
  app.get(VEHICLE_MODEL_PATH, async (_request, reply) => reply.send(state));
}

async function classify(
  { query, signal, deadline, client }: JobRequest,
  request: FastifyRequest,
  jobs: SharedJobs<Classified>,
  { limits, pool, uploads, recordWriter, vehicles, shadow, metrics }: ClassifyDependencies,
): Promise<{ result: Classified; shadowImage: ShadowImage | undefined }> {
  if (vehicles.status !== 'ready') throw new ServiceError('SERVICE_NOT_READY', vehicles.reason);
  const { options } = parseClassifyParameters(query);
  const { bytes, sha256, header, release } = await receiveUpload(
    request.raw,
    { limits, memory: uploads, signal, overloaded: () => tooManyUploads(pool) },
    (file) => {
      const header = readVehicleImageHeader(file);
      checkPixelCount(header, limits);
      return header;
    },
  );
  const image = { bytes, sha256, header };
  const shadowImage = shadow?.choose(image, options);
  const { task, cost } = classifyJob(image, options);
  const ttlSeconds = cacheTtl(request);
  const key = vehicleKey(vehicles.served.model.version, options, sha256);
  const finish = (completed: Completed): Classified => {
    const classified = classifiedFrom(completed, key, ttlSeconds);
    // Also where every caller has left.
    recordWriter?.writeVehicle(classified.record);
    metrics.vehicles.classified(classified.record);
    request.log.info(logFields(classified.record), 'vehicle classified');
    return classified;
  };
  try {
    return {
      result: await jobs.run(key, { task, cost, signal, deadline, client, release, finish }),
      shadowImage,
    };
  } catch (error) {
    shadowImage?.drop();
    throw error;
  }
}

/** What was seen in an image, and nothing of the image itself but its hash. */
function logFields(record: VehicleRecord): Record<string, unknown> {
  const { image, classifier, is_vehicle, vehicle_probability, box_source, warnings } = record;
  return {
    event: 'vehicle',
    sha256: image.sha256,
    model: `${classifier.name}@${classifier.version}`,
    is_vehicle,
    vehicle_probability,
    box_source,
    predictions: predictedValues(record),
    warnings: warnings.map(({ code }) => code),
  };
}

function classifiedFrom(result: Completed, key: string, ttlSeconds: number): Classified {
  if (result.kind !== 'classified') throw new TypeError('a thread returned the result of another task');
  const classified: ClassifiedImage = JSON.parse(new TextDecoder().decode(result.payload));
  const now = Date.now();
  const { queueMs, decodeMs, classifyMs } = result;
  const timings = Object.entries({ queue: queueMs, decode: decodeMs, classify: classifyMs });
  return {
    record: { key, ...classified, classified_at: now, expires_at: now + 1000 * ttlSeconds },
    serverTiming: timings.map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`).join(', '),
  };
}

function sendClassification(reply: FastifyReply, record: VehicleRecord, serverTiming: string): FastifyReply {
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming)
    .type('application/json')
    .send(JSON.stringify(record));
}
