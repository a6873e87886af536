import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../../edge/app.ts';
import { parseConfiguration } from '../../../edge/configuration.ts';
import { openApiDocument } from '../../../edge/openapi/document.ts';
import { createServices } from '../../../edge/services.ts';
import { errorCodeSchema } from '../../../shared/contract/errors.ts';
import { detectParametersSchema } from '../../../shared/contract/parameters.ts';

const mediaSchema = z.object({
  schema: z.record(z.string(), z.unknown()),
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
});
const operationSchema = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ name: z.string(), schema: z.record(z.string(), z.unknown()) })).default([]),
  responses: z.record(
    z.string(),
    z.object({ description: z.string(), content: z.record(z.string(), mediaSchema).default({}) }),
  ),
});
const methodSchema = z.enum(['get', 'head', 'post', 'put', 'delete']);
const document = z
  .object({
    paths: z.record(z.string(), z.record(z.string(), z.unknown())),
    components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  })
  // As a client reads it.
  .parse(JSON.parse(JSON.stringify(openApiDocument())));

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => methodSchema.safeParse(method).success)
    .map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      ...operationSchema.parse(operation),
    })),
);

test('is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(JSON.stringify(openApiDocument())))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('has every route of the app, and none that the app has not', () => {
  const configuration = parseConfiguration({
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    ORIGIN_URL: 'http://127.0.0.1:1',
    ORIGIN_SECRET: 'a secret of more than 32 characters',
    EXTRACTOR: 'opencv-sift@4.6.0-avx2',
  });
  const app = createApp(createServices(configuration, { open: async () => undefined }));
  const registered = app.routes
    // Middleware is registered for all methods.
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
  // The app serves HEAD wherever it serves GET; it is documented where clients have a use for it.
  const documented = operations.map(({ name }) => name).filter((name) => !name.startsWith('HEAD '));
  expect(documented.toSorted()).toEqual([...new Set(registered)].toSorted());
});

test('every example is what its schema says', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', components: document.components });
  const resolved = (schema: unknown): unknown =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components'));
  let checked = 0;
  for (const { name, responses } of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      for (const [type, { schema, example, examples = {} }] of Object.entries(content)) {
        const validate = ajv.compile(z.record(z.string(), z.unknown()).parse(resolved(schema)));
        const values = [example, ...Object.values(examples).map(({ value }) => value)].filter(Boolean);
        for (const value of values) {
          expect(validate(value), `${name} ${status} ${type}: ${ajv.errorsText(validate.errors)}`).toBe(true);
          checked += 1;
        }
      }
    }
  }
  expect(checked).toBeGreaterThan(20);
});

test('every JSON response has an example, and every error one for each of its codes', () => {
  for (const { name, responses } of operations.filter(({ name }) => !name.startsWith('HEAD '))) {
    for (const [status, { content, description }] of Object.entries(responses)) {
      const { 'application/json': json, 'application/problem+json': problem } = content;
      const isFreeForm = json?.schema.type === 'object';
      if (json && !isFreeForm) expect(json.example ?? json.examples, `${name} ${status}`).toBeDefined();
      const codes = Object.keys(problem?.examples ?? {});
      for (const code of codes) errorCodeSchema.parse(code);
      if (problem && !json) for (const code of codes) expect(description).toContain(code);
    }
  }
});

test('detect and features by hash have every parameter, with the bounds that are enforced', () => {
  for (const name of ['POST /api/v1/features/detect', 'GET /api/v1/features/{sha256}']) {
    const operation = operations.find((candidate) => candidate.name === name);
    const byName = new Map(operation?.parameters.map((parameter) => [parameter.name, parameter.schema]));
    for (const parameter of Object.keys(detectParametersSchema.shape))
      expect([...byName.keys()]).toContain(parameter);
    expect(byName.get('sigma')).toEqual({ type: 'number', minimum: 0.5, maximum: 10, default: 1.6 });
  }
});
