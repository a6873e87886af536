import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { checkByteLength } from '../../shared/image-header.ts';
import { freeAtOnce } from '../free-at-once.ts';
import { CallerGone } from './caller.ts';

/**
 * The most bytes that a body can turn out to have: what its head announces, else the limit.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`
 */
export function announcedLength(request: IncomingMessage, limits: ImageLimits): number {
  const announced = request.headers['content-length'];
  if (announced === undefined) return limits.maxBytes;
  checkByteLength(Number(announced), limits);
  return Number(announced);
}

export interface Body {
  bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256, made as they came: there is nothing left to do after the last ones. */
  digest: Uint8Array;
}

/**
 * Reads a body into an ArrayBuffer of its own, which can therefore be transferred to a thread.
 *
 * @param length at least the body's
 * @throws ServiceError `IMAGE_TOO_LARGE` for a body of unannounced length that exceeds the limit
 */
export async function readBody(request: IncomingMessage, length: number, limits: ImageLimits): Promise<Body> {
  const hash = createHash('sha256');
  const bytes = new Uint8Array(length);
  let received = 0;
  // Not destroyed when left early: that would close the connection before the error response is sent.
  for await (const chunk of chunksOf(request)) {
    checkByteLength(received + chunk.length, limits);
    bytes.set(chunk, received);
    hash.update(chunk);
    received += chunk.length;
    // A short chunk is a piece of a buffer that others use.
    if (chunk.length === chunk.buffer.byteLength) freeAtOnce(chunk);
  }
  return { bytes: received === length ? bytes : bytes.slice(0, received), digest: hash.digest() };
}

async function* chunksOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new CallerGone('The caller closed the connection while it sent the image.', { cause });
  }
}
