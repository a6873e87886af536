import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  contentDigestOf,
  importOriginSecret,
  type SignedParts,
  signOriginRequest,
  verifyOriginRequest,
} from '../../../shared/origin-protocol.ts';
import { sha256 } from '../../../shared/sha256.ts';

const SECRET = 'a secret of at least thirty-two characters';
const PARTS: SignedParts = {
  method: 'POST',
  pathAndQuery: '/v1/extract?nfeatures=0',
  timestampMs: 1_700_000_000_000,
  contentDigest: contentDigestOf(new Uint8Array(32)),
};

test("the signature is Node's own HMAC-SHA-256 over the four parts", async () => {
  const key = await importOriginSecret(SECRET);
  const text = `POST\n/v1/extract?nfeatures=0\n1700000000000\n${PARTS.contentDigest}`;
  expect(await signOriginRequest(key, PARTS)).toBe(createHmac('sha256', SECRET).update(text).digest('hex'));
});

test('every part and the secret are covered', async () => {
  const key = await importOriginSecret(SECRET);
  const signature = await signOriginRequest(key, PARTS);
  expect(await verifyOriginRequest(key, PARTS, signature)).toBe(true);
  const changes: Partial<SignedParts>[] = [
    { method: 'GET' },
    { pathAndQuery: '/v1/extract?nfeatures=1' },
    { timestampMs: PARTS.timestampMs + 1 },
    { contentDigest: contentDigestOf(new Uint8Array(32).fill(1)) },
    { client: 'f'.repeat(32) },
  ];
  for (const change of changes)
    expect(await verifyOriginRequest(key, { ...PARTS, ...change }, signature)).toBe(false);
  expect(await verifyOriginRequest(await importOriginSecret(`${SECRET}.`), PARTS, signature)).toBe(false);
  for (const wrong of ['', 'xyz', signature.slice(1), signature.toUpperCase()]) {
    expect(await verifyOriginRequest(key, PARTS, wrong)).toBe(false);
  }
});

test('the digest is in the form of RFC 9530', async () => {
  // RFC 9530, appendix D.1: the digest of {"hello": "world"} and a line feed
  const digest = contentDigestOf(await sha256(new TextEncoder().encode('{"hello": "world"}\n')));
  expect(digest).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
});
