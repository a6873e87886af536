import * as z from 'zod';
import {
  isFinal,
  type JobRequest,
  type JobResponse,
  jobIdSchema,
  jobRequestSchema,
  jobStateSchema,
} from '../../shared/contract/jobs.ts';
import { locationText, parseObjectLocation } from '../storage/location.ts';
import { JobFiles } from './files.ts';
import type { Counts } from './report.ts';

/** The request, as it lies beside the results. */
export const jobOrderSchema = z.object({
  id: jobIdSchema,
  created_at: z.iso.datetime(),
  request: jobRequestSchema,
  retry_of: jobIdSchema.nullable(),
});
export type JobOrder = z.infer<typeof jobOrderSchema>;

const countsSchema = z.object({
  succeeded: z.int().min(0),
  failed: z.int().min(0),
  cached: z.int().min(0),
});

export const planSchema = z.object({ images: z.int().min(0), shards: z.int().min(0) });
export type Plan = z.infer<typeof planSchema>;

/** Everything that is known of a job, as its store keeps it. */
export const jobRecordSchema = z.object({
  ...jobOrderSchema.shape,
  state: jobStateSchema,
  plan: planSchema.nullable(),
  finished_at: z.iso.datetime().nullable(),
  counts: countsSchema,
  /** Shards whose reports are in the counts: one bit each, in base64. */
  counted: z.base64(),
  message: z.string().nullable(),
  webhook: z.object({ attempts: z.int().min(0), delivered: z.boolean() }),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

const RATE_WINDOW_MS = 60_000;
const LEAST_RATE_MS = 1_000;

/** A job and how it is coming on. Only the job service changes it. */
export class Job {
  readonly order: JobOrder;
  readonly files: JobFiles;
  state: JobRecord['state'];
  plan: Plan | null;
  finishedAt: string | null;
  message: string | null;
  webhook: JobRecord['webhook'];
  readonly #counts: Counts;
  readonly #counted: Set<number>;
  /** Of shards in work, which nothing depends on. */
  readonly #partial = new Map<number, Counts>();
  #samples: { at: number; done: number }[] = [];

  constructor(record: JobRecord) {
    const { id, created_at, request, retry_of } = record;
    this.order = { id, created_at, request, retry_of };
    this.files = new JobFiles(parseObjectLocation(request.output), id);
    this.state = record.state;
    this.plan = record.plan;
    this.finishedAt = record.finished_at;
    this.message = record.message;
    this.webhook = { ...record.webhook };
    this.#counts = { ...record.counts };
    this.#counted = numbersOf(record.counted);
  }

  static fromOrder(order: JobOrder): Job {
    return new Job({
      ...order,
      state: 'planning',
      plan: null,
      finished_at: null,
      counts: { succeeded: 0, failed: 0, cached: 0 },
      counted: '',
      message: null,
      webhook: { attempts: 0, delivered: false },
    });
  }

  get id(): string {
    return this.order.id;
  }

  get isFinal(): boolean {
    return isFinal(this.state);
  }

  get allDone(): boolean {
    return this.plan !== null && this.#counted.size >= this.plan.shards;
  }

  isCounted(shard: number): boolean {
    return this.#counted.has(shard);
  }

  /** Counts a shard whose report is there, once. @returns whether that was news */
  count(shard: number, counts: Counts): boolean {
    if (this.#counted.has(shard)) return false;
    this.#counted.add(shard);
    this.#partial.delete(shard);
    for (const name of COUNTS) this.#counts[name] += counts[name];
    this.#sample();
    return true;
  }

  /** How far a shard in work is. */
  note(shard: number, counts: Counts): void {
    if (this.#counted.has(shard)) return;
    this.#partial.set(shard, counts);
    this.#sample();
  }

  toRecord(): JobRecord {
    return {
      ...this.order,
      state: this.state,
      plan: this.plan,
      finished_at: this.finishedAt,
      counts: { ...this.#counts },
      counted: bitsOf(this.#counted),
      message: this.message,
      webhook: { ...this.webhook },
    };
  }

  toResponse(): JobResponse {
    const { id, created_at, request, retry_of } = this.order;
    const images = this.#images();
    const rate = this.isFinal ? null : this.#rate();
    const left = this.plan === null ? null : this.plan.images - images.done;
    const { root_sift, ...parameters } = request.parameters;
    return {
      id,
      state: this.state,
      created_at,
      finished_at: this.finishedAt,
      source: sourceResponse(request),
      output: request.output,
      formats: request.formats,
      parameters: { ...parameters, root_sift },
      retry_of,
      images: { total: this.plan?.images ?? null, ...images },
      shards: { total: this.plan?.shards ?? null, done: this.#counted.size },
      images_per_second: rate,
      seconds_left: rate !== null && rate > 0 && left !== null ? Math.ceil(left / rate) : null,
      message: this.message,
      report: locationText(this.files.folder),
    };
  }

  #images(): Counts & { done: number } {
    const counts = { ...this.#counts };
    for (const partial of this.#partial.values()) {
      for (const name of COUNTS) counts[name] += partial[name];
    }
    return { done: counts.succeeded + counts.failed, ...counts };
  }

  #sample(): void {
    const now = Date.now();
    this.#samples = this.#samples.filter(({ at }) => now - at <= RATE_WINDOW_MS);
    this.#samples.push({ at: now, done: this.#images().done });
  }

  /** Images per second over the last minute; null before anything is known. */
  #rate(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < LEAST_RATE_MS) return null;
    return Math.max(0, Math.round(((last.done - first.done) / (last.at - first.at)) * 100_000) / 100);
  }
}

const COUNTS = ['succeeded', 'failed', 'cached'] as const;

function sourceResponse({ source }: JobRequest): JobResponse['source'] {
  const { prefix, manifest, images } = source;
  return {
    ...(prefix !== undefined && { prefix }),
    ...(manifest !== undefined && { manifest }),
    ...(images !== undefined && { images: images.length }),
  };
}

function bitsOf(numbers: ReadonlySet<number>): string {
  const greatest = numbers.values().reduce((most, number) => Math.max(most, number), -1);
  const bytes = new Uint8Array(Math.ceil((greatest + 1) / 8));
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (1 << (number & 7));
  return Buffer.from(bytes).toString('base64');
}

function numbersOf(bits: string): Set<number> {
  const numbers = new Set<number>();
  for (const [index, byte] of Buffer.from(bits, 'base64').entries()) {
    for (let bit = 0; bit < 8; bit += 1) if (byte & (1 << bit)) numbers.add(index * 8 + bit);
  }
  return numbers;
}
