/** HMAC-SHA-256 (RFC 2104) with one key. */
export interface HmacKey {
  /** @returns 32 bytes */
  sign(bytes: Uint8Array<ArrayBuffer>): Uint8Array | Promise<Uint8Array>;
  /** Compares in constant time. */
  verify(bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): boolean | Promise<boolean>;
}

/** Makes a key from its bytes, for the platform's fastest implementation. */
export type ImportHmacKey = (bytes: Uint8Array<ArrayBuffer>) => HmacKey | Promise<HmacKey>;

/** By Web Crypto, which all platforms have. */
export const importWebHmacKey: ImportHmacKey = async (bytes) => {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign', 'verify']);
  return {
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('HMAC', key, message)),
    verify: (message, signature) => crypto.subtle.verify('HMAC', key, signature, message),
  };
};
