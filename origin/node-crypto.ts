import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ImportHmacKey } from '../shared/hmac.ts';
import { type Sha256, sha256 } from '../shared/sha256.ts';

/**
 * SHA-256 and HMAC on the calling thread. Web Crypto in Node.js hands every call to another thread, and to wake that thread
 * takes longer than to hash a request's head or a payload of some hundred kilobytes.
 */
export const importNodeHmacKey: ImportHmacKey = (key) => {
  const sign = (bytes: Uint8Array) => createHmac('sha256', key).update(bytes).digest();
  return {
    sign,
    verify(bytes, signature) {
      const expected = sign(bytes);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
};

/** Longer ones would hold up all requests. */
const LONGEST_AT_ONCE_BYTES = 1024 * 1024;

export const nodeSha256: Sha256 = (bytes) =>
  bytes.length > LONGEST_AT_ONCE_BYTES ? sha256(bytes) : createHash('sha256').update(bytes).digest();
