import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { parameterExample } from '../../../edge/openapi/parameter-examples.ts';
import { errorCodeSchema, ServiceError } from '../../../shared/contract/errors.ts';
import type { RouteDeclaration } from '../../../shared/contract/route.ts';
import { ROUTES } from '../../../shared/contract/routes/index.ts';
import { API_REFERENCE_PAGE, apiReferencePage } from '../../../tools/document-api.ts';

test('the API reference is current: if not, run node tools/document-api.ts', () => {
  expect(readFileSync(API_REFERENCE_PAGE, 'utf8')).toBe(apiReferencePage());
});

test('every query parameter has an example that its schema accepts', () => {
  for (const { operationId, query } of Object.values<RouteDeclaration>(ROUTES)) {
    for (const [name, schema] of Object.entries(query?.shape ?? {})) {
      const text = parameterExample(operationId, name);
      expect(text, `${operationId} ${name}`).not.toBe('');
      const asText = z.safeParse(schema, text).success;
      const asJson = /^([\d.-]+|true|false)$/.test(text) && z.safeParse(schema, JSON.parse(text)).success;
      expect(asText || asJson, `${operationId} ${name}=${text}`).toBe(true);
    }
  }
});

test('the guide lists every error code with its status', () => {
  const guide = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const listed = Array.from(guide.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \|/gm), ([, code, status]) => [
    code,
    status,
  ]);
  const expected = errorCodeSchema.options.map((code) => [code, String(new ServiceError(code, '').status)]);
  expect(listed.toSorted()).toEqual(expected.toSorted());
});
