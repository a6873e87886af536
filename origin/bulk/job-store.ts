import { type KV, Kvm } from '@nats-io/kv';
import * as z from 'zod';
import { jobIdSchema } from '../../shared/contract/jobs.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { asFolder, inside, type ObjectLocation, parseObjectLocation } from '../storage/location.ts';
import type { Stores } from '../storage/stores.ts';
import { JobFiles } from './files.ts';
import { Job, type JobRecord, jobOrderSchema, jobRecordSchema, planSchema } from './job-record.ts';
import { objectExists, readJson, writeJson } from './objects.ts';
import type { ShardQueue } from './queue.ts';

const BUCKET = 'edgesift_jobs';

/** Points from the index to a job's files. */
const indexSchema = z.object({ id: jobIdSchema, output: z.string() });

/**
 * Records of jobs, in JetStream's key-value store. It is a copy that saves time: what it has lost is made again from
 * the storage, where an index names every job and a job's files say how far it is.
 */
export class JobStore {
  readonly #queue: ShardQueue;
  readonly #replicas: number;
  readonly #stores: Stores;
  readonly #index: ObjectLocation;

  /** @param index folder with one small object for each job */
  constructor(queue: ShardQueue, replicas: number, stores: Stores, index: ObjectLocation) {
    this.#queue = queue;
    this.#replicas = replicas;
    this.#stores = stores;
    this.#index = asFolder(index);
  }

  /** Stores a new job durably. @throws StorageError when index or output cannot be written */
  async add(job: Job): Promise<void> {
    await writeJson(this.#stores, job.files.request, job.order);
    const entry = { id: job.id, output: job.order.request.output };
    await writeJson(this.#stores, inside(this.#index, `${job.id}.json`), entry);
  }

  async save(job: Job): Promise<void> {
    await (await this.#open()).put(job.id, JSON.stringify(job.toRecord()));
  }

  /** All jobs: those that are recorded, and those that have to be found again. */
  async load(): Promise<Job[]> {
    const records = await this.#records();
    const storage = await this.#stores.at(this.#index);
    const jobs: Job[] = [];
    for await (const id of this.#ids(storage.list(this.#index.key))) {
      const record = records.get(id);
      const job = record ? new Job(record) : await this.#rebuild(id);
      if (job) jobs.push(job);
    }
    return jobs;
  }

  async *#ids(keys: AsyncIterable<string>): AsyncGenerator<string> {
    try {
      for await (const key of keys) {
        const id = jobIdSchema.safeParse(/([^/]+)\.json$/.exec(key)?.[1]);
        if (id.success) yield id.data;
      }
    } catch (error) {
      // Before the first job there is no folder.
      if (!(error instanceof Error && 'failure' in error && error.failure === 'not_found')) throw error;
    }
  }

  async #records(): Promise<Map<string, JobRecord>> {
    const store = await this.#open();
    const records = new Map<string, JobRecord>();
    for await (const id of await store.keys()) {
      const entry = await store.get(id);
      const record = entry && jobRecordSchema.safeParse(parseJson(entry.string())).data;
      if (record) records.set(id, record);
    }
    return records;
  }

  async #rebuild(id: string): Promise<Job | undefined> {
    const entry = await readJson(this.#stores, inside(this.#index, `${id}.json`), indexSchema);
    if (!entry) return undefined;
    const files = new JobFiles(parseObjectLocation(entry.output), id);
    const order = await readJson(this.#stores, files.request, jobOrderSchema);
    if (!order) return undefined;
    const finished = await readJson(this.#stores, files.summary, z.object({ record: jobRecordSchema }));
    if (finished) return new Job(finished.record);
    const job = Job.fromOrder(order);
    job.plan = (await readJson(this.#stores, files.plan, planSchema)) ?? null;
    if (job.plan) job.state = 'running';
    if (await objectExists(this.#stores, files.cancelled)) job.state = 'cancelled';
    return job;
  }

  #open(): Promise<KV> {
    const options = { replicas: this.#replicas, history: 1 };
    return new Kvm(this.#queue.client).create(BUCKET, options);
  }
}
