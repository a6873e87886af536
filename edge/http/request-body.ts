import { ServiceError } from '../../shared/contract/errors.ts';

export interface BodyLimits {
  /** Most bytes of the body. */
  maxBytes: number;
  /** Longest time that it may take to arrive. */
  timeoutMs: number;
}

/** A body over its limit is still read, and forgotten, up to here: clients that get cut off never see the answer. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/** Bytes that reading the body will hold: what the request announces, or the limit. */
export function bytesToHold(request: Request, { maxBytes }: BodyLimits): number {
  return Math.min(announcedLength(request) ?? maxBytes, maxBytes);
}

/**
 * @throws ServiceError `IMAGE_TOO_LARGE`, `SERVICE_TIMEOUT` for a body that arrives too slowly, `INVALID_IMAGE` for
 *   one that breaks off
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const announced = announcedLength(request);
  if (announced !== undefined && announced > MAX_DISCARDED_BYTES) throw tooManyBytes(limits.maxBytes);
  const isBounded = announced !== undefined && announced <= limits.maxBytes;
  // With a length announced HTTP itself bounds the body, and one native call reads it.
  const body = isBounded ? readWhole(request) : readStream(request, limits.maxBytes);
  try {
    return await inTime(body, limits.timeoutMs);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('INVALID_IMAGE', 'The upload broke off.', { cause: error });
  }
}

function announcedLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}

async function readWhole(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await request.arrayBuffer());
}

async function readStream({ body }: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!body) return new Uint8Array();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(new Uint8Array(chunk));
    else chunks.length = 0;
    if (length > MAX_DISCARDED_BYTES) break;
  }
  if (length > maxBytes) throw tooManyBytes(maxBytes);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** A client that sends its body drop by drop may not hold memory for ever. */
async function inTime<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `The upload took longer than ${timeoutMs / 1000} s.`;
    late.reject(
      new ServiceError('SERVICE_TIMEOUT', message, { details: { limit: 'upload_time', max_ms: timeoutMs } }),
    );
  }, timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tooManyBytes(maxBytes: number): ServiceError {
  return new ServiceError('IMAGE_TOO_LARGE', `The upload is larger than ${maxBytes} bytes.`, {
    details: { limit: 'bytes', max: maxBytes },
  });
}
