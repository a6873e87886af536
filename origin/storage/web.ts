import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { checkHost, guardedLookup, isPublicAddress } from './public-address.ts';
import { collect, StorageError, tooLarge } from './storage.ts';

export interface WebOptions {
  /** For all redirects and the whole body together. */
  timeoutMs: number;
  /** Which addresses may be connected to; by default those of the public internet. */
  isAllowed?: (address: string) => boolean;
  /** A certificate authority beside the usual ones, PEM. */
  ca?: string;
}

export interface WebRequest {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** Unspecific ones included: what is an image is decided by its bytes. */
const IMAGE_TYPE = /^(image\/|application\/octet-stream|binary\/octet-stream)/i;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/**
 * Requests to servers of the public internet, by HTTPS alone. The author of the URL cannot reach through us what only we
 * can reach: every address is checked after its name is resolved, and again at each redirect.
 */
export class Web {
  readonly #options: Required<Omit<WebOptions, 'ca'>> & Pick<WebOptions, 'ca'>;

  constructor(options: WebOptions) {
    this.#options = { isAllowed: isPublicAddress, ...options };
  }

  /**
   * @throws StorageError `not_found`, `forbidden` (an address, or by the server), `invalid` (not served as an image, too
   *   many redirects), `too_large`, `unavailable`; the signal's reason
   */
  async getImage(url: URL, maxBytes: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const response = await this.#follow(url, AbortSignal.any([signal, timeout]));
      try {
        checkResponse(response, url, maxBytes);
        return await collect(response, maxBytes, url.href);
      } finally {
        response.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      throw webErrorOf(error, url);
    }
  }

  /** @returns the status. Redirects are not followed. Errors as of {@link getImage} */
  async post(url: URL, headers: Record<string, string>, body: string): Promise<number> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const response = await this.#send(url, { method: 'POST', headers, body, signal });
      response.destroy();
      return response.statusCode ?? 0;
    } catch (error) {
      throw webErrorOf(error, url);
    }
  }

  async #follow(url: URL, signal: AbortSignal, redirects = 0): Promise<IncomingMessage> {
    const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'edgesift' };
    const response = await this.#send(url, { method: 'GET', headers, signal });
    const { location } = response.headers;
    if (!REDIRECTS.has(response.statusCode) || location === undefined) return response;
    response.destroy();
    const next = URL.parse(location, url);
    if (!next) throw new StorageError('invalid', `${url.href} redirects to an invalid URL.`);
    if (redirects === MAX_REDIRECTS) throw new StorageError('invalid', `${url.href} has too many redirects.`);
    return this.#follow(next, signal, redirects + 1);
  }

  #send(url: URL, { method, headers, body, signal }: WebRequest): Promise<IncomingMessage> {
    const { isAllowed, ca } = this.#options;
    if (url.protocol !== 'https:') throw new StorageError('forbidden', `${url.href} is not HTTPS.`);
    checkHost(url.hostname, isAllowed);
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal, lookup: guardedLookup(isAllowed), ...(ca && { ca }) };
      request(url, options, resolve).on('error', reject).end(body);
    });
  }
}

function checkResponse(response: IncomingMessage, { href }: URL, maxBytes: number): void {
  const status = response.statusCode ?? 0;
  if (status === 404 || status === 410) throw new StorageError('not_found', `${href} does not exist.`);
  if (status === 401 || status === 403) throw new StorageError('forbidden', `${href} does not allow access.`);
  if (status === 429 || status >= 500)
    throw new StorageError('unavailable', `${href} responds with status ${status}.`);
  if (status !== 200) throw new StorageError('invalid', `${href} responds with status ${status}.`);
  const type = response.headers['content-type'];
  if (type !== undefined && !IMAGE_TYPE.test(type)) {
    throw new StorageError('invalid', `${href} is served as ${type.slice(0, 100)}, not as an image.`);
  }
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(href, maxBytes);
}

function webErrorOf(error: unknown, { href }: URL): StorageError {
  if (error instanceof StorageError) return error;
  const options = { cause: error };
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOTFOUND')
    return new StorageError('not_found', `The host of ${href} does not exist.`, options);
  return new StorageError('unavailable', `${href} cannot be reached.`, options);
}
