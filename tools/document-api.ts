/** `node tools/document-api.ts` writes docs/api-reference.md from the route declarations. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { parameterExample } from '../edge/openapi/parameter-examples.ts';
import { jsonSchemaOf } from '../edge/openapi/schemas.ts';
import { statusOf } from '../shared/contract/errors.ts';
import type { RouteDeclaration } from '../shared/contract/route.ts';
import { ROUTES } from '../shared/contract/routes/index.ts';
import { fromRoot } from './project-root.ts';

export const API_REFERENCE_PAGE = fromRoot('docs', 'api-reference.md');

/** The parts of a JSON Schema that the tables show. */
const fieldSchema = z.object({
  type: z.string().optional(),
  format: z.string().optional(),
  enum: z.array(z.string()).optional(),
  items: z
    .object({ type: z.string().optional(), format: z.string().optional(), pattern: z.string().optional() })
    .optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  default: z.unknown().optional(),
  description: z.string().default(''),
});
type Field = z.infer<typeof fieldSchema>;

const objectSchema = z.object({
  properties: z.record(z.string(), fieldSchema),
  required: z.array(z.string()).default([]),
});

/** The page as it should be. */
export function apiReferencePage(): string {
  const routes = Object.values<RouteDeclaration>(ROUTES);
  return `# API reference

This page lists every route with every parameter. \`node tools/document-api.ts\` makes it from \`shared/contract/routes/\`, and a test
fails when it is out of date. [api.md](api.md) explains the routes with examples. \`GET /openapi.json\` has the same content for tools.

| route | scope of the API key | |
|---|---|---|
${routes.map((route) => `| [\`${nameOf(route)}\`](#${anchorOf(route)}) | ${route.scope ?? 'none'} | ${route.summary} |`).join('\n')}

Routes with the scope \`admin\` need an API key in every deployment, other routes with a scope only if \`REQUIRE_API_KEY\` is set. Every
route can also respond with \`INTERNAL_SERVER_ERROR\` (500) and \`SERVICE_NOT_READY\` (503). Routes with a scope can respond with
\`UNAUTHORIZED\` (401), \`FORBIDDEN\` (403) and \`RATE_LIMITED\` (429).

${routes.map(sectionOf).join('\n\n')}
`;
}

function nameOf({ method, path: route }: RouteDeclaration): string {
  return `${method} ${route.replaceAll('{+', '{')}`;
}

/** As GitHub makes them of headings. */
function anchorOf(route: RouteDeclaration): string {
  return nameOf(route)
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

function sectionOf(route: RouteDeclaration): string {
  const {
    operationId,
    description = '',
    head,
    pathParameters = {},
    query,
    body = {},
    responses,
    errors,
  } = route;
  const inPath = Object.entries(pathParameters).map(([name, parameter]) =>
    rowOf(
      name,
      'path',
      { ...fieldOf(parameter.schema), description: parameter.description },
      parameter.example,
    ),
  );
  const inQuery = query ? rowsOf(operationId, query, 'query') : [];
  const inBody = Object.entries(body).flatMap(([mediaType, schema]) =>
    schema instanceof z.ZodObject ? rowsOf(operationId, schema, mediaType) : [],
  );
  const rows = [...inPath, ...inQuery, ...inBody];
  const bodies = Object.keys(body).map((mediaType) => `\`${mediaType}\``);
  return [
    `## \`${nameOf(route)}\``,
    `${route.summary}. ${description}`.trim(),
    head && `\`HEAD\`: ${head.summary}.`,
    bodies.length > 0 && `Body: ${bodies.join(' or ')}.`,
    rows.length > 0 && [TABLE_HEAD, ...rows].join('\n'),
    `Responses: ${Object.entries(responses).map(responseOf).join('; ')}.`,
    Object.keys(errors).length > 0 && `Errors: ${errorsOf(errors)}.`,
  ]
    .filter((paragraph) => typeof paragraph === 'string')
    .join('\n\n');
}

const TABLE_HEAD = '| name | in | type | range | default | example | |\n|---|---|---|---|---|---|---|';

function fieldOf(schema: z.ZodType): Field {
  return fieldSchema.parse(jsonSchemaOf(schema, 'input'));
}

function rowsOf(operationId: string, schema: z.ZodObject, place: string): string[] {
  const { properties, required } = objectSchema.parse(jsonSchemaOf(schema, 'input'));
  return Object.entries(properties).map(([name, field]) =>
    rowOf(name, place, field, exampleOf(operationId, name, field), required.includes(name)),
  );
}

function exampleOf(operationId: string, name: string, field: Field): string {
  if (field.format === 'binary') return `${name}=@photo.jpg`;
  if (field.items?.type === 'object') return '';
  if (field.items) return field.items.format === 'binary' ? `${name}=@photo.jpg` : '["9ffa6e52…"]';
  return parameterExample(operationId, name);
}

function rowOf(name: string, place: string, field: Field, example: string, isRequired = true): string {
  const cells = [
    `\`${name}\``,
    place,
    typeOf(field),
    rangeOf(field),
    defaultOf(field, isRequired),
    example && `\`${example}\``,
    field.description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf({ type = 'string', format, enum: choices, items }: Field): string {
  if (choices) return 'one of';
  if (format === 'binary') return 'file';
  if (items?.type === 'object') return 'list of objects';
  if (items) return items.format === 'binary' ? 'files' : 'list of strings';
  return type;
}

function rangeOf(field: Field): string {
  const { enum: choices, pattern, minimum, maximum, minLength, maxLength, minItems, maxItems } = field;
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (field.type === 'boolean') return '`true`, `false`';
  if (minimum !== undefined || maximum !== undefined) return `${minimum} to ${maximum}`;
  if (pattern !== undefined) return `\`${pattern}\``;
  if (maxLength !== undefined) return `${minLength} to ${maxLength} characters`;
  return maxItems === undefined ? '' : `${minItems} to ${maxItems}`;
}

function defaultOf(field: Field, isRequired: boolean): string {
  if (field.default !== undefined) return `\`${field.default}\``;
  return isRequired ? '**needed**' : '';
}

function responseOf([status, { description, content = {} }]: [
  string,
  RouteDeclaration['responses'][number],
]): string {
  const mediaTypes = Object.keys(content).map((mediaType) => `\`${mediaType}\``);
  return `${status} ${description}${mediaTypes.length > 0 ? ` (${mediaTypes.join(', ')})` : ''}`;
}

function errorsOf(errors: RouteDeclaration['errors']): string {
  const codes = Object.keys(errors) as (keyof typeof errors)[];
  return codes.map((code) => `\`${code}\` ${statusOf(code)}`).join(', ');
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  writeFileSync(API_REFERENCE_PAGE, apiReferencePage());
}
