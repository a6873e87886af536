import { type Dictionary, ParseError, parseDictionary } from 'structured-headers';
import { ServiceError } from '../../shared/contract/errors.ts';

/** The algorithms that RFC 9530 (5) calls active, by Web Crypto's names. */
const ALGORITHMS = { 'sha-256': 'SHA-256', 'sha-512': 'SHA-512' } as const;

/**
 * Compares a body with the digests that its `Content-Digest` header (RFC 9530, 2) states. Algorithms that are not
 * known are passed over.
 *
 * @throws ServiceError `INVALID_PARAMETER` for a digest that differs or a header that cannot be read
 */
export async function verifyContentDigest(
  header: string | null,
  body: Uint8Array<ArrayBuffer>,
): Promise<void> {
  if (header === null) return;
  const digests = parseDigests(header);
  for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
    const told = digests.get(name)?.[0];
    if (told === undefined) continue;
    if (!(told instanceof ArrayBuffer)) throw contentDigestError(`the ${name} value is not a byte sequence`);
    const actual = await crypto.subtle.digest(algorithm, body);
    if (!areEqual(new Uint8Array(told), new Uint8Array(actual))) {
      throw contentDigestError(`the body has a different ${name} digest`);
    }
  }
}

function parseDigests(header: string): Dictionary {
  try {
    return parseDictionary(header);
  } catch (error) {
    if (error instanceof ParseError) throw contentDigestError('the header is not a structured field', error);
    throw error;
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function contentDigestError(problem: string, cause?: unknown): ServiceError {
  return new ServiceError('INVALID_PARAMETER', `The Content-Digest check failed: ${problem}.`, {
    details: { parameter: 'Content-Digest' },
    cause,
  });
}
