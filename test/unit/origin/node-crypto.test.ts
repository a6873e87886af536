import { expect, test } from 'vitest';
import { importNodeHmacKey, nodeSha256 } from '../../../origin/node-crypto.ts';
import { importWebHmacKey } from '../../../shared/hmac.ts';
import { sha256 } from '../../../shared/sha256.ts';
import { utf8 } from '../../../shared/utf8.ts';

const MESSAGES = [utf8(''), utf8('a request'), new Uint8Array(200_000).fill(7), new Uint8Array(2_000_000)];
const KEYS = [
  utf8('k'),
  utf8('a key that is longer than the block of SHA-256 is, which has 64 bytes: it is hashed'),
];

test('an origin and an edge compute the same hashes and signatures', async () => {
  for (const message of MESSAGES) {
    expect(new Uint8Array(await nodeSha256(message))).toEqual(await sha256(message));
    for (const bytes of KEYS) {
      const [origin, edge] = [await importNodeHmacKey(bytes), await importWebHmacKey(bytes)];
      expect(new Uint8Array(await origin.sign(message))).toEqual(await edge.sign(message));
    }
  }
});

test('each verifies what the other has signed, and refuses any other message, key or signature', async () => {
  const [message, other] = [utf8('a request'), utf8('another request')];
  for (const [importSigner, importVerifier] of [
    [importNodeHmacKey, importWebHmacKey],
    [importWebHmacKey, importNodeHmacKey],
  ] as const) {
    const signature = new Uint8Array(await (await importSigner(utf8('key'))).sign(message));
    const key = await importVerifier(utf8('key'));
    expect(await key.verify(message, signature)).toBe(true);
    expect(await key.verify(other, signature)).toBe(false);
    expect(await (await importVerifier(utf8('another key'))).verify(message, signature)).toBe(false);
    const changed = signature.map((byte, index) => (index === 31 ? byte ^ 1 : byte));
    for (const wrong of [changed, signature.slice(0, 31), new Uint8Array()]) {
      expect(await key.verify(message, wrong)).toBe(false);
    }
  }
});
