import type { JobRequest } from '../../shared/contract/jobs.ts';
import type { Stores } from '../storage/stores.ts';
import type { JobFiles } from './files.ts';
import type { Plan } from './job-record.ts';
import { entriesOf } from './manifest.ts';
import { writeJson } from './objects.ts';
import { encodeShard, type ShardEntry } from './shard.ts';

/**
 * Cuts a job's images into shards and writes them. The plan is written last: a planner that is interrupted leaves none,
 * and the next one begins anew.
 *
 * @param entries where they do not come from the source
 * @throws StorageError; the signal's reason
 */
export async function planJob(options: {
  request: JobRequest;
  files: JobFiles;
  stores: Stores;
  shardImages: number;
  signal: AbortSignal;
  entries?: AsyncIterable<ShardEntry>;
}): Promise<Plan> {
  const { request, files, stores, shardImages, signal } = options;
  const plan = { images: 0, shards: 0 };
  let shard: ShardEntry[] = [];
  const write = async () => {
    const location = files.shard(plan.shards);
    const storage = await stores.at(location);
    await storage.put(location.key, encodeShard(shard), 'application/x-ndjson');
    plan.images += shard.length;
    plan.shards += 1;
    shard = [];
  };
  for await (const entry of options.entries ?? entriesOf(request.source, stores, signal)) {
    shard.push(entry);
    if (shard.length === shardImages) await write();
    signal.throwIfAborted();
  }
  if (shard.length > 0) await write();
  await writeJson(stores, files.plan, plan);
  return plan;
}
