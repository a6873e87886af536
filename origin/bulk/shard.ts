import * as z from 'zod';
import { jobIdSchema } from '../../shared/contract/jobs.ts';
import { parseJson } from '../../shared/features/safetensors.ts';

/** An image of a shard, or a line of a manifest of which none could be made: it is reported as failed. */
export const entrySchema = z.union([
  z.object({
    image: z.string(),
    version_id: z.string().optional(),
    /** Name of the result in the job's output, without an extension. */
    output: z.string(),
  }),
  z.object({ line: z.string(), problem: z.string() }),
]);
export type ShardEntry = z.infer<typeof entrySchema>;
export type ImageEntry = Extract<ShardEntry, { image: string }>;

/** What the queue holds: which shard, and where its job's files are. */
export const ticketSchema = z.object({
  job: jobIdSchema,
  shard: z.int().min(0),
  output: z.string(),
});
export type Ticket = z.infer<typeof ticketSchema>;

/** What a worker says of a shard while it works, and when its report is written. */
export const progressSchema = z.object({
  job: jobIdSchema,
  shard: z.int().min(0),
  succeeded: z.int().min(0),
  failed: z.int().min(0),
  cached: z.int().min(0),
  done: z.boolean(),
  /** What keeps it from going on. */
  trouble: z.string().optional(),
});
export type Progress = z.infer<typeof progressSchema>;

export function encodeShard(entries: readonly ShardEntry[]): Uint8Array {
  return new TextEncoder().encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

/** @throws ZodError for what {@link encodeShard} did not write */
export function decodeShard(bytes: Uint8Array): ShardEntry[] {
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1);
  return lines.map((line) => entrySchema.parse(parseJson(line)));
}
