import type { Hono } from 'hono';
import { type DetectParameters, parseDetectParameters } from '../../shared/contract/parameters.ts';
import { detect } from '../../shared/contract/routes/detect.ts';
import { checkDenoising } from '../../shared/denoising.ts';
import { toHex } from '../../shared/hex.ts';
import { checkByteLength, checkPixelCount, readImageHeader } from '../../shared/image-header.ts';
import { sha256 } from '../../shared/sha256.ts';
import { clientIdentity } from '../access/client-identity.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { answerFeatures } from '../features/feature-response.ts';
import { addRoute } from '../http/add-route.ts';
import { needsPayload, negotiateFormat } from '../http/negotiation.ts';
import { queryParameters } from '../http/query.ts';
import { readUpload, type Upload, uploadBytes } from '../ingest/upload.ts';
import type { MemoryLease } from '../resilience/memory-budget.ts';
import type { Services } from '../services.ts';

/** `POST /api/v1/features/detect`: an image in, its features out. */
export function registerDetect(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, detect, async (context) => {
    const { raw } = context.req;
    const lease = await services.uploads.acquire(uploadBytes(raw, services.limits));
    try {
      return await findFeatures(context, services, lease);
    } finally {
      lease.release();
    }
  });
}

async function findFeatures(context: EdgeContext, services: Services, lease: MemoryLease): Promise<Response> {
  const timing = context.get('timing');
  const { upload, parameters } = await timing.measure('validate', () => readValidUpload(context, services));
  const { sift, representation } = parameters;
  const format = negotiateFormat(context, representation);
  const digest = await timing.measure('hash', () => sha256(upload.bytes));
  const found = await services.features.obtain({
    sha256: toHex(digest),
    digest,
    bytes: upload.bytes,
    parameters: sift,
    needsPayload: needsPayload(format, representation),
    requestId: context.get('requestId'),
    client: clientIdentity(context),
    trace: context.get('trace'),
    // Made by the platform when it is asked for, and a hit in memory never does.
    get signal() {
      return context.req.raw.signal;
    },
    keepAlive: (work) => context.executionCtx.waitUntil(work),
    releaseBytes: lease.release,
    timing,
  });
  return answerFeatures(context, found, format, representation);
}

async function readValidUpload(
  context: EdgeContext,
  { limits }: Services,
): Promise<{ upload: Upload; parameters: DetectParameters }> {
  const upload = await readUpload(context.req.raw, limits);
  const parameters = parseDetectParameters([...queryParameters(context.req.raw), ...upload.fields]);
  checkByteLength(upload.bytes.length, limits);
  const header = readImageHeader(upload.bytes);
  checkPixelCount(header, limits);
  checkDenoising(header, parameters.sift);
  return { upload, parameters };
}
