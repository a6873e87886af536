import { fromHex, toHex } from '../hex.ts';
import { type HmacKey, type ImportHmacKey, importWebHmacKey } from '../hmac.ts';
import { utf8 } from '../utf8.ts';

/** Separates these keys from every other use of the same secret (RFC 5869, 3.2). */
const PURPOSE = utf8('edgesift cache records');
/** As many as SHA-256 has. */
const KEY_BITS = 256;
/** Hexadecimal digits of a tag. */
export const TAG_LENGTH = 64;

/**
 * Proves that a cache record was written by a holder of the shared secret: HMAC-SHA256 with keys derived from the
 * secrets by HKDF. The first secret signs, all of them verify, so that a secret can be replaced without an outage.
 */
export class RecordAuthenticator {
  readonly #keys: Promise<HmacKey[]>;

  /** @param secrets the shared secrets of edge and origin, the newest first */
  constructor(secrets: readonly string[], importKey: ImportHmacKey = importWebHmacKey) {
    this.#keys = Promise.all(secrets.map(async (secret) => importKey(await deriveKey(secret))));
  }

  /** @returns the tag of this text at this place, in hexadecimal */
  async sign(place: string, text: string): Promise<string> {
    const [key] = await this.#keys;
    if (!key) throw new Error('there is no secret to sign records with');
    return toHex(await key.sign(signedBytes(place, text)));
  }

  /** Compares in constant time. */
  async verify(place: string, text: string, tag: string): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(tag)) return false;
    const [bytes, signature] = [signedBytes(place, text), fromHex(tag)];
    for (const key of await this.#keys) {
      if (await key.verify(bytes, signature)) return true;
    }
    return false;
  }
}

/** A record is bound to its place: moved to another key it is not valid. */
function signedBytes(place: string, text: string): Uint8Array<ArrayBuffer> {
  return utf8(`${place}\n${text}`);
}

async function deriveKey(secret: string): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey('raw', utf8(secret), 'HKDF', false, ['deriveBits']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: PURPOSE };
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, material, KEY_BITS));
}
