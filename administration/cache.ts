/** `npm run cache -- list | inspect | delete | clear`: the results in Redis. */
import { CacheAdministration } from '../edge/features/cache/cache-administration.ts';
import { print, readCommandLine, runTool, UsageError } from './command-line.ts';
import { connectToRedis } from './redis-connection.ts';

const USAGE = `usage: npm run cache -- list [pattern]       as in '*/<sha256 of an image>'
       npm run cache -- inspect <key>
       npm run cache -- delete <key>
       npm run cache -- clear <pattern>      '*' for everything`;
const PAGE_LENGTH = 1_000;
const FORGETTING = 'Edges may have it in memory for a minute yet.';

await runTool(async () => {
  const { action, operand } = readCommandLine(USAGE, []);
  if (action === 'list') return list(operand ?? '*');
  if (action === 'inspect' && operand !== undefined) return inspect(operand);
  if (action === 'delete' && operand !== undefined) return deleteKey(operand);
  if (action === 'clear' && operand !== undefined) return clear(operand);
  throw new UsageError(USAGE);
});

function openCache(): CacheAdministration {
  return new CacheAdministration(connectToRedis());
}

async function list(pattern: string): Promise<void> {
  const cache = openCache();
  let total = 0;
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const page = await cache.list({ pattern, cursor, limit: PAGE_LENGTH });
    for (const { key, ttl_s } of page.keys) print(`${key}  ${expiry(ttl_s)}`);
    total += page.keys.length;
    cursor = page.cursor;
  }
  print(`${total} results`);
}

async function inspect(key: string): Promise<void> {
  const entry = await openCache().inspect(key);
  if (!entry) throw new UsageError(`Nothing is cached under ${key}`);
  for (const { name, bytes, ttl_s } of entry.records) print(`${name}  ${bytes} bytes  ${expiry(ttl_s)}`);
  print(`${entry.bytes} bytes`);
}

function expiry(seconds: number | null): string {
  return seconds === null ? 'does not expire' : `expires in ${seconds} s`;
}

async function deleteKey(key: string): Promise<void> {
  const deleted = await openCache().delete(key);
  if (!deleted) throw new UsageError(`Nothing is cached under ${key}`);
  print(`Deleted, ${deleted.deleted_records} records. ${FORGETTING}`);
}

async function clear(pattern: string): Promise<void> {
  const cache = openCache();
  let total = 0;
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const page = await cache.clear({ pattern, cursor });
    total += page.deleted_keys;
    cursor = page.cursor;
  }
  print(`${total} results deleted. ${FORGETTING}`);
}
