import { type ApiKeyRecord, apiKeyRecordSchema, createApiKey } from '../edge/access/api-key.ts';
import { ApiKeyStore } from '../edge/access/api-key-store.ts';
import { scopeSchema } from '../shared/contract/scopes.ts';
import { UsageError } from './command-line.ts';
import { connectToRedis } from './redis-connection.ts';

const TIMEOUT_MS = 10_000;

function openStore(): ApiKeyStore {
  return new ApiKeyStore(connectToRedis(), TIMEOUT_MS);
}

/**
 * @returns lines for the user; the key is the last one, so that a script can take it
 * @throws UsageError for an unknown scope, or a name that is empty or too long
 */
export async function createKey(scope: string | undefined, name: string | undefined): Promise<string[]> {
  const chosenScope = scopeSchema.safeParse(scope);
  if (!chosenScope.success) throw new UsageError('The scope must be read, write or admin.');
  const chosenName = apiKeyRecordSchema.shape.name.safeParse(name);
  if (!chosenName.success) throw new UsageError('The name must have 1 to 100 characters.');
  const { key, record } = await createApiKey({ scope: chosenScope.data, name: chosenName.data });
  await openStore().put(record);
  return [`A key of scope ${record.scope} for ${record.name}; it cannot be shown again:`, key];
}

/** @returns a line for each key */
export async function listKeys(): Promise<string[]> {
  const records = await openStore().list();
  return records.length === 0 ? ['There are no keys.'] : records.map(describe);
}

function describe({ id, scope, created_at, revoked_at, name }: ApiKeyRecord): string {
  const state = revoked_at === null ? 'active' : `revoked ${revoked_at}`;
  return [`es_${id}_…`, scope.padEnd(5), `created ${created_at}`, state, name].join('  ');
}

/**
 * @param shown the id, or the beginning of the key as {@link listKeys} shows it
 * @throws UsageError where there is no such key
 */
export async function revokeKey(shown: string): Promise<string[]> {
  const id = /^es_([0-9a-f]{12})_/.exec(shown)?.[1] ?? shown;
  const store = openStore();
  const record = await store.find(id);
  if (!record) throw new UsageError(`There is no key ${id}: list shows the keys.`);
  await store.put({ ...record, revoked_at: record.revoked_at ?? new Date().toISOString() });
  return [`${id} is revoked; edges that know it accept it for one more minute.`];
}
