import { compile } from 'json-schema-to-typescript';
import * as z from 'zod';
import {
  cacheDeletionResponseSchema,
  cacheEntryResponseSchema,
  cacheListResponseSchema,
} from '../../shared/contract/cache-administration.ts';
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { existsResponseSchema } from '../../shared/contract/exists.ts';
import { jobListResponseSchema, jobRequestSchema, jobResponseSchema } from '../../shared/contract/jobs.ts';
import { detectParametersSchema, matchParametersSchema } from '../../shared/contract/parameters.ts';
import {
  descriptorRowsSchema,
  detectResponseSchema,
  healthResponseSchema,
  keypointColumnsSchema,
  matchResponseSchema,
} from '../../shared/contract/responses.ts';
import { statsResponseSchema } from '../../shared/contract/stats.ts';
import {
  classifyParametersSchema,
  classifyResponseSchema,
  modelsResponseSchema,
  predictionSchema,
  reportParametersSchema,
  reportResponseSchema,
} from '../../shared/contract/vehicles.ts';

/** The schema behind every type of `../contract.ts`, by its name there. */
const RESPONSES: Readonly<Record<string, z.ZodType>> = {
  ErrorCode: errorCodeSchema,
  DetectResponse: detectResponseSchema,
  KeypointColumns: keypointColumnsSchema,
  DescriptorRows: descriptorRowsSchema,
  ExistsResponse: existsResponseSchema,
  MatchResponse: matchResponseSchema,
  ClassifyResponse: classifyResponseSchema,
  VehiclePrediction: predictionSchema,
  ReportResponse: reportResponseSchema,
  ModelsResponse: modelsResponseSchema,
  HealthResponse: healthResponseSchema,
  StatsResponse: statsResponseSchema,
  CacheListResponse: cacheListResponseSchema,
  CacheEntryResponse: cacheEntryResponseSchema,
  CacheDeletionResponse: cacheDeletionResponseSchema,
  JobResponse: jobResponseSchema,
  JobListResponse: jobListResponseSchema,
};

/** Those that a caller fills in: what has a default is optional. */
const PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  DetectParameters: detectParametersSchema,
  MatchParameters: matchParametersSchema,
  ClassifyParameters: classifyParametersSchema,
  ReportParameters: reportParametersSchema,
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
  const json = z.toJSONSchema(schema, {
    io,
    target: 'draft-7',
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ jsonSchema }) => nameProperties(jsonSchema),
  });
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

/** A record whose names are known has them as optional properties: the compiler would make it a record of any names. */
function nameProperties(json: z.core.JSONSchema.BaseSchema): void {
  const { propertyNames, additionalProperties } = json;
  if (typeof propertyNames !== 'object' || typeof additionalProperties !== 'object') return;
  const names = propertyNames.enum?.filter((name) => typeof name === 'string');
  if (names === undefined) return;
  json.properties = Object.fromEntries(names.map((name) => [name, additionalProperties]));
  json.additionalProperties = false;
  delete json.propertyNames;
}
