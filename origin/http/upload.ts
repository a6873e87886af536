import type { IncomingMessage } from 'node:http';
import type { ServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { toHex } from '../../shared/hex.ts';
import { checkContentDigest } from './authentication.ts';
import { announcedLength, readBody } from './body.ts';
import type { UploadMemory } from './upload-memory.ts';

/** A request's body, which is what its sender signed. */
export interface SignedBody {
  /** In an ArrayBuffer of its own. */
  bytes: Uint8Array<ArrayBuffer>;
  sha256: string;
  /** Gives the memory back; to be called when they are no longer held. */
  release: () => void;
}

/** An image file that is what its sender signed, and by its header what is requested. */
export interface Upload<Header> extends SignedBody {
  header: Header;
}

export interface UploadOptions {
  limits: ImageLimits;
  memory: UploadMemory;
  /** Aborts when no caller waits any more. */
  signal: AbortSignal;
  /** Makes the error for when there is no room. */
  overloaded: () => ServiceError;
}

/**
 * Reads an image from a request's body, once there is memory for it, and checks it.
 *
 * @param readHeader throws for an image that is not wanted
 * @throws ServiceError `IMAGE_TOO_LARGE`, `OVERLOADED`, `UNAUTHORIZED` when the body is not the signed one,
 *   `INVALID_IMAGE`; CallerGone; the signal's reason
 */
export async function receiveUpload<Header>(
  request: IncomingMessage,
  options: UploadOptions,
  readHeader: (bytes: Uint8Array) => Header,
): Promise<Upload<Header>> {
  const body = await receiveBody(request, options);
  try {
    return { ...body, header: readHeader(body.bytes) };
  } catch (error) {
    body.release();
    throw error;
  }
}

/**
 * Reads a request's body, once there is memory for it, and checks its digest.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`, `OVERLOADED`, `UNAUTHORIZED`; CallerGone; the signal's reason
 */
export async function receiveBody(
  request: IncomingMessage,
  { limits, memory, signal, overloaded }: UploadOptions,
): Promise<SignedBody> {
  const length = announcedLength(request, limits);
  const release = memory.reserve(length);
  if (!release) throw overloaded();
  try {
    const { bytes, digest } = await readBody(request, length, limits);
    signal.throwIfAborted();
    checkContentDigest(request.headers, digest);
    return { bytes, sha256: toHex(digest), release };
  } catch (error) {
    release();
    throw error;
  }
}
