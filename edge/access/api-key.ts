import * as z from 'zod';
import { scopeSchema } from '../../shared/contract/scopes.ts';
import { sha256Schema } from '../../shared/feature-key.ts';
import { toHex } from '../../shared/hex.ts';
import { sha256Hex } from '../../shared/sha256.ts';
import { utf8 } from '../../shared/utf8.ts';

/** The stored record of an API key. It does not contain the key. */
export const apiKeyRecordSchema = z.object({
  /** Public part of the key, to name it by. */
  id: z.string(),
  name: z.string().min(1).max(100),
  scope: scopeSchema,
  sha256: sha256Schema,
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});
export type ApiKeyRecord = z.infer<typeof apiKeyRecordSchema>;

const ID_BYTES = 6;
/** 256 random bits cannot be guessed, so one round of a fast hash protects them as well as a slow one would. */
const SECRET_BYTES = 32;
const KEY = /^es_(?<id>[0-9a-f]{12})_[0-9a-f]{64}$/;

/** A new key, `es_<id>_<secret>`; only its record is to be stored. */
export async function createApiKey(
  options: Pick<ApiKeyRecord, 'name' | 'scope'>,
): Promise<{ key: string; record: ApiKeyRecord }> {
  const id = randomHex(ID_BYTES);
  const key = `es_${id}_${randomHex(SECRET_BYTES)}`;
  const record = {
    ...options,
    id,
    sha256: await hashApiKey(key),
    created_at: new Date().toISOString(),
    revoked_at: null,
  };
  return { key, record };
}

/** The id in a text that looks like a key. */
export function apiKeyIdOf(text: string): string | undefined {
  return KEY.exec(text)?.groups?.id;
}

export function hashApiKey(key: string): Promise<string> {
  return sha256Hex(utf8(key));
}

function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}
