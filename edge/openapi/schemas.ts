import * as z from 'zod';
import {
  batchCompleteLineSchema,
  batchKeypointsLineSchema,
  batchProblemLineSchema,
  batchResponseLineSchema,
  batchSummaryLineSchema,
} from '../../shared/contract/batch.ts';
import {
  cacheDeletionResponseSchema,
  cacheEntryResponseSchema,
  cacheListResponseSchema,
} from '../../shared/contract/cache-administration.ts';
import { problemSchema } from '../../shared/contract/errors.ts';
import { existsBodySchema, existsResponseSchema } from '../../shared/contract/exists.ts';
import { completeResponseSchema, keypointsResponseSchema } from '../../shared/contract/feature-content.ts';
import { jobListResponseSchema, jobResponseSchema } from '../../shared/contract/jobs.ts';
import { requestsResponseSchema } from '../../shared/contract/requests.ts';
import {
  aliveResponseSchema,
  detectResponseSchema,
  healthResponseSchema,
  matchResponseSchema,
  readyResponseSchema,
  unhealthyResponseSchema,
  unreadyResponseSchema,
} from '../../shared/contract/responses.ts';
import { statsResponseSchema } from '../../shared/contract/stats.ts';

/** The names of schemas in the document: each becomes a component. */
const SCHEMAS = {
  DetectResponse: detectResponseSchema,
  KeypointsResponse: keypointsResponseSchema,
  CompleteResponse: completeResponseSchema,
  BatchResponseLine: batchResponseLineSchema,
  BatchKeypointsLine: batchKeypointsLineSchema,
  BatchCompleteLine: batchCompleteLineSchema,
  BatchProblemLine: batchProblemLineSchema,
  BatchSummaryLine: batchSummaryLineSchema,
  ExistsBody: existsBodySchema,
  ExistsResponse: existsResponseSchema,
  Health: healthResponseSchema,
  Unhealthy: unhealthyResponseSchema,
  Ready: readyResponseSchema,
  Unready: unreadyResponseSchema,
  Alive: aliveResponseSchema,
  MatchResponse: matchResponseSchema,
  Stats: statsResponseSchema,
  Requests: requestsResponseSchema,
  CacheList: cacheListResponseSchema,
  CacheEntry: cacheEntryResponseSchema,
  CacheDeletion: cacheDeletionResponseSchema,
  Job: jobResponseSchema,
  JobList: jobListResponseSchema,
  Problem: problemSchema,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;
export type JsonSchema = Record<string, unknown>;

const NAMES = new Map<z.core.$ZodType, SchemaName>();
for (const [name, schema] of Object.entries(SCHEMAS)) NAMES.set(schema, name as SchemaName);

export function referenceTo(name: SchemaName): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** A reference where the schema has a name, alternatives where it is a union, else the schema itself. */
export function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): JsonSchema {
  const name = NAMES.get(schema);
  if (name) return referenceTo(name);
  if (schema instanceof z.ZodUnion) return { anyOf: schema.options.map((option) => schemaOf(option, io)) };
  return jsonSchemaOf(schema, io);
}

/**
 * JSON Schema 2020-12, which is what OpenAPI 3.1 uses, without the keywords that only whole documents have. Files,
 * which the contract gives a type but no check, are binary strings.
 */
export function jsonSchemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom')
        Object.assign(jsonSchema, { type: 'string', format: 'binary' });
    },
  });
  return rest;
}

export function componentSchemas(): Record<string, JsonSchema> {
  const entries = Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchemaOf(schema, 'output')]);
  return Object.fromEntries(entries);
}
