import * as z from 'zod';
import { openApiDocument } from '../../edge/openapi/document.ts';

const contentSchema = z.record(
  z.string(),
  z.object({
    schema: z.record(z.string(), z.unknown()),
    examples: z.record(z.string(), z.unknown()).default({}),
  }),
);
const operationSchema = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['query', 'path', 'header']) })).default([]),
  responses: z.record(z.string(), z.object({ content: contentSchema.default({}) })),
});
const methodSchema = z.enum(['get', 'head', 'post', 'put', 'delete']);

/** As a client reads it. */
export const document = z
  .object({
    paths: z.record(z.string(), z.record(z.string(), z.unknown())),
    components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  })
  .parse(JSON.parse(JSON.stringify(openApiDocument())));

export interface DocumentedOperation extends z.infer<typeof operationSchema> {
  /** As in `GET /api/v1/features/{sha256}`. */
  name: string;
  method: string;
  path: string;
  /** Of the path of a request that is for this operation. */
  pattern: RegExp;
}

export const PROBLEM = 'application/problem+json';

/** Every operation of the document, paths without parameters first, then the longest. */
export const operations: DocumentedOperation[] = Object.entries(document.paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => methodSchema.safeParse(method).success)
      .map(([method, operation]) => ({
        ...operationSchema.parse(operation),
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '.+')}$`),
      })),
  )
  .toSorted(
    (one, other) =>
      one.path.split('{').length - other.path.split('{').length || other.path.length - one.path.length,
  );
