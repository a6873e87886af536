import { ServiceError } from '../../shared/contract/errors.ts';
import type { HmacKey } from '../../shared/hmac.ts';
import {
  contentDigestOf,
  isClientName,
  ORIGIN_HEADERS,
  SIGNATURE_WINDOW_MS,
  verifyOriginRequest,
} from '../../shared/origin-protocol.ts';

/** What the head of a request says, before any of its body is read. */
export interface RequestHead {
  method: string;
  /** As in the request line, query included. */
  pathAndQuery: string;
  headers: Record<string, string | string[] | undefined>;
}

/**
 * Checks that a holder of one of the secrets has signed this request lately. What is signed includes the digest of the
 * body, which {@link checkContentDigest} checks once the body is there.
 *
 * Within the time window a request could be replayed; that only repeats an extraction with the same result.
 *
 * @param now milliseconds since the Unix epoch
 * @returns the client that the request names, or an empty text
 * @throws ServiceError `UNAUTHORIZED`, alike for every reason
 */
export async function authenticate(
  secrets: readonly HmacKey[],
  head: RequestHead,
  now: number,
): Promise<string> {
  const contentDigest = textOf(head.headers[ORIGIN_HEADERS.contentDigest]);
  const signature = textOf(head.headers[ORIGIN_HEADERS.signature]);
  const timestamp = textOf(head.headers[ORIGIN_HEADERS.timestamp]);
  const client = textOf(head.headers[ORIGIN_HEADERS.client]);
  if (!/^\d{1,15}$/.test(timestamp)) throw unauthorized();
  if (client !== '' && !isClientName(client)) throw unauthorized();
  const timestampMs = Number(timestamp);
  if (Math.abs(now - timestampMs) > SIGNATURE_WINDOW_MS) throw unauthorized();
  const { method, pathAndQuery } = head;
  const parts = { method, pathAndQuery, timestampMs, contentDigest, client };
  for (const secret of secrets) {
    if (await verifyOriginRequest(secret, parts, signature)) return client;
  }
  throw unauthorized();
}

/** @throws ServiceError `UNAUTHORIZED`: a body with another digest is not the one that was signed */
export function checkContentDigest(headers: RequestHead['headers'], sha256: Uint8Array): void {
  if (textOf(headers[ORIGIN_HEADERS.contentDigest]) !== contentDigestOf(sha256)) throw unauthorized();
}

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}

function unauthorized(): ServiceError {
  return new ServiceError('UNAUTHORIZED', 'The signature of the request is missing, wrong or too old.');
}
