import { EdgesiftError } from './errors.ts';
import { bytesOf, checkedHash, hashOf, type ImageReference } from './image.ts';
import type { CallOptions, Query, Transport } from './transport/transport.ts';
import type { OnUploadProgress } from './transport/upload-progress.ts';

export interface UploadOptions extends CallOptions {
  /** Called while the image is sent; never where it need not be sent. */
  onUploadProgress?: OnUploadProgress | undefined;
  /**
   * Whether to ask for the result by the image's hash before the image is sent; true by default. False saves a
   * request for images that are certainly new.
   */
  hashFirst?: boolean | undefined;
}

/** The two requests that lead to the same result. */
export interface ResultRoutes {
  /** Path of `GET` by hash, without the hash. */
  byHash: string;
  /** Path of the `POST` of the image. */
  upload: string;
  query: Query;
}

/** Asks for a result by the image's hash, and sends the image only where the result is not cached. */
export async function sendHashFirst<Result>(
  transport: Transport,
  image: ImageReference,
  { byHash, upload, query }: ResultRoutes,
  { onUploadProgress, hashFirst = true, ...call }: UploadOptions,
  read: (response: Response) => Promise<Result>,
): Promise<Result> {
  const ask = (hash: string) => transport.send({ ...call, path: `${byHash}/${hash}`, query }, read);
  if (typeof image === 'string') return ask(checkedHash(image));
  const bytes = await bytesOf(image);
  const hash = hashFirst ? await hashOf(bytes) : undefined;
  if (hash !== undefined) {
    try {
      return await ask(hash);
    } catch (error) {
      if (!isNotCached(error)) throw error;
    }
  }
  const headers = { 'Content-Type': mediaTypeOf(image) };
  return transport.send(
    { ...call, method: 'POST', path: upload, query, headers, body: bytes, onUploadProgress },
    read,
  );
}

export function isNotCached(error: unknown): boolean {
  return error instanceof EdgesiftError && error.status === 404;
}

/** The service decides by content which format it is; the type only has to say that it is an image. */
export function mediaTypeOf(image: ImageReference): string {
  const type = image instanceof Blob ? image.type : '';
  return type.startsWith('image/') ? type : 'image/unknown';
}
