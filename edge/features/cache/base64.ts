import type { Base64 } from '../../../shared/records/base64.ts';
import { utf8 } from '../../../shared/utf8.ts';

/** By the language's own methods, which workerd and Deno have. */
export const BASE64: Base64 = {
  encode: (bytes) => utf8(bytes.toBase64()),
  decode: (text) => Uint8Array.fromBase64(text),
};
