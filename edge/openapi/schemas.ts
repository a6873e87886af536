import * as z from 'zod';
import {
  descriptorRowsSchema,
  detectAnswerSchema,
  healthAnswerSchema,
  keypointColumnsSchema,
  matchAnswerSchema,
} from '../../shared/contract/answers.ts';
import {
  batchAnswerLineSchema,
  batchProblemLineSchema,
  batchSummaryLineSchema,
} from '../../shared/contract/batch.ts';
import {
  cacheDeletionAnswerSchema,
  cacheEntryAnswerSchema,
  cacheListAnswerSchema,
} from '../../shared/contract/cache-administration.ts';
import { problemSchema } from '../../shared/contract/errors.ts';
import { statsAnswerSchema } from '../../shared/contract/stats.ts';

const keypointsAnswerSchema = z.object({ ...detectAnswerSchema.shape, ...keypointColumnsSchema.shape });

/** What the document calls the schemas of answers: each becomes a component of this name. */
export const SCHEMAS = {
  DetectAnswer: detectAnswerSchema,
  KeypointsAnswer: keypointsAnswerSchema,
  CompleteAnswer: z.object({ ...keypointsAnswerSchema.shape, ...descriptorRowsSchema.shape }),
  BatchAnswerLine: batchAnswerLineSchema,
  BatchKeypointsLine: z.object({ ...batchAnswerLineSchema.shape, ...keypointColumnsSchema.shape }),
  BatchCompleteLine: z.object({
    ...batchAnswerLineSchema.shape,
    ...keypointColumnsSchema.shape,
    ...descriptorRowsSchema.shape,
  }),
  BatchProblemLine: batchProblemLineSchema,
  BatchSummaryLine: batchSummaryLineSchema,
  Health: healthAnswerSchema,
  Alive: z.object({ status: z.literal('alive') }),
  MatchAnswer: matchAnswerSchema,
  Stats: statsAnswerSchema,
  CacheList: cacheListAnswerSchema,
  CacheEntry: cacheEntryAnswerSchema,
  CacheDeletion: cacheDeletionAnswerSchema,
  Problem: problemSchema,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;
export type JsonSchema = Record<string, unknown>;

export function referenceTo(name: SchemaName): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** JSON Schema 2020-12, which is what OpenAPI 3.1 uses, without the keywords that only whole documents have. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

export function componentSchemas(): Record<string, JsonSchema> {
  const entries = Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchemaOf(schema, 'output')]);
  return Object.fromEntries(entries);
}
