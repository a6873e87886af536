import { expect, test } from 'vitest';
import { authenticate } from '../../../origin/http/authentication.ts';
import {
  contentDigestOf,
  importOriginSecret,
  ORIGIN_HEADERS,
  signOriginRequest,
} from '../../../shared/origin-protocol.ts';

const [NEW, OLD, STRANGE] = ['new', 'old', 'strange'].map((word) => word.padEnd(32, '-'));
const NOW = 1_800_000_000_000;

async function headSignedWith(secret = '') {
  const contentDigest = contentDigestOf(new Uint8Array(32));
  const parts = { method: 'POST', pathAndQuery: '/v1/extract', timestampMs: NOW, contentDigest, client: '' };
  return {
    method: parts.method,
    pathAndQuery: parts.pathAndQuery,
    headers: {
      [ORIGIN_HEADERS.contentDigest]: contentDigest,
      [ORIGIN_HEADERS.timestamp]: String(NOW),
      [ORIGIN_HEADERS.signature]: await signOriginRequest(await importOriginSecret(secret), parts),
    },
  };
}

test('while secrets rotate, edges with the new one and with the old one are accepted, and no others', async () => {
  const accepted = await Promise.all([NEW, OLD].map((secret = '') => importOriginSecret(secret)));
  for (const secret of [NEW, OLD]) {
    await expect(authenticate(accepted, await headSignedWith(secret), NOW)).resolves.toBe('');
  }
  await expect(authenticate(accepted, await headSignedWith(STRANGE), NOW)).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  });
});
