/** `npm run keys -- create | list | revoke`: the service's API keys. */
import { type ApiKeyRecord, apiKeyRecordSchema, createApiKey } from '../edge/access/api-key.ts';
import { ApiKeyStore } from '../edge/access/api-key-store.ts';
import { scopeSchema } from '../shared/contract/scopes.ts';
import { print, readCommandLine, runTool, UsageError } from './command-line.ts';
import { connectToRedis } from './redis-connection.ts';

const USAGE = `usage: npm run keys -- create --scope <read | write | admin> --name <whose it is>
       npm run keys -- list
       npm run keys -- revoke <id>`;
const TIMEOUT_MS = 10_000;

await runTool(async () => {
  const { action, operand, options } = readCommandLine(USAGE, ['scope', 'name']);
  if (action === 'create' && operand === undefined) return create(options);
  if (action === 'list' && operand === undefined) return list();
  if (action === 'revoke' && operand !== undefined) return revoke(operand);
  throw new UsageError(USAGE);
});

function openStore(): ApiKeyStore {
  return new ApiKeyStore(connectToRedis(), TIMEOUT_MS);
}

/** The key is the last line, so that a script can take it. */
async function create({ scope, name }: Record<string, string | undefined>): Promise<void> {
  const chosenScope = scopeSchema.safeParse(scope);
  const chosenName = apiKeyRecordSchema.shape.name.safeParse(name);
  if (!chosenScope.success || !chosenName.success) throw new UsageError(USAGE);
  const { key, record } = await createApiKey({ scope: chosenScope.data, name: chosenName.data });
  await openStore().put(record);
  print(`A key of scope ${record.scope} for ${record.name}; it cannot be shown again:`, key);
}

async function list(): Promise<void> {
  const records = await openStore().list();
  if (records.length === 0) print('There are no keys.');
  for (const record of records) print(describe(record));
}

function describe({ id, scope, created_at, revoked_at, name }: ApiKeyRecord): string {
  const state = revoked_at === null ? 'active' : `revoked ${revoked_at}`;
  return [`es_${id}_…`, scope.padEnd(5), `created ${created_at}`, state, name].join('  ');
}

/** @param shown the id, or the beginning of the key as `list` shows it */
async function revoke(shown: string): Promise<void> {
  const id = /^es_([0-9a-f]{12})_/.exec(shown)?.[1] ?? shown;
  const store = openStore();
  const record = await store.find(id);
  if (!record) throw new UsageError(`There is no key ${id}: npm run keys -- list shows them.`);
  await store.put({ ...record, revoked_at: record.revoked_at ?? new Date().toISOString() });
  print(`${id} is revoked; edges that know it believe it for a minute yet.`);
}
