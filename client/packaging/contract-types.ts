import { compile } from 'json-schema-to-typescript';
import * as z from 'zod';
import {
  descriptorRowsSchema,
  detectAnswerSchema,
  healthAnswerSchema,
  keypointColumnsSchema,
  matchAnswerSchema,
} from '../../shared/contract/answers.ts';
import {
  cacheDeletionAnswerSchema,
  cacheEntryAnswerSchema,
  cacheListAnswerSchema,
} from '../../shared/contract/cache-administration.ts';
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { jobAnswerSchema, jobListAnswerSchema, jobRequestSchema } from '../../shared/contract/jobs.ts';
import { detectParametersSchema, matchParametersSchema } from '../../shared/contract/parameters.ts';
import { statsAnswerSchema } from '../../shared/contract/stats.ts';

/** The schema behind every type of `../contract.ts`, by its name there. */
const RESPONSES: Readonly<Record<string, z.ZodType>> = {
  ErrorCode: errorCodeSchema,
  DetectResponse: detectAnswerSchema,
  KeypointColumns: keypointColumnsSchema,
  DescriptorRows: descriptorRowsSchema,
  MatchResponse: matchAnswerSchema,
  HealthResponse: healthAnswerSchema,
  StatsResponse: statsAnswerSchema,
  CacheListResponse: cacheListAnswerSchema,
  CacheEntryResponse: cacheEntryAnswerSchema,
  CacheDeletionResponse: cacheDeletionAnswerSchema,
  JobResponse: jobAnswerSchema,
  JobListResponse: jobListAnswerSchema,
};

/** Those that a caller fills in: what has a default is optional. */
const PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  DetectParameters: detectParametersSchema,
  MatchParameters: matchParametersSchema,
  JobRequest: jobRequestSchema,
};

/** `contract.d.ts` without a schema library: the same types, written out. */
export async function contractTypes(): Promise<string> {
  const types = await Promise.all([
    ...Object.entries(RESPONSES).map(([name, schema]) => typeText(name, schema, 'output')),
    ...Object.entries(PARAMETERS).map(([name, schema]) => typeText(name, schema, 'input')),
  ]);
  return types.join('\n');
}

async function typeText(name: string, schema: z.ZodType, io: 'input' | 'output'): Promise<string> {
  const json = z.toJSONSchema(schema, { io, target: 'draft-7', unrepresentable: 'any', reused: 'inline' });
  const text = await compile(JSON.parse(JSON.stringify(json)), name, {
    bannerComment: '',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
  });
  if (!new RegExp(`^export (type|interface) ${name}\\b`, 'm').test(text)) {
    throw new Error(`no type ${name} came of its schema:\n${text}`);
  }
  return text;
}
