import type { Base64 } from '../../../shared/records/base64.ts';

/** By the language's own methods, which workerd and Deno have. */
export const BASE64: Base64 = {
  encode: (bytes) => bytes.toBase64(),
  decode: (text) => Uint8Array.fromBase64(text),
};
