import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const serviceSchema = z.object({
  build: z.object({ target: z.string() }).optional(),
  image: z.string().optional(),
  command: z
    .union([z.string().transform(words), z.array(z.string())])
    .optional()
    .describe('In words'),
  environment: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  volumes: z.array(z.string()).default([]),
  networks: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
});

const composeSchema = z.object({ services: z.record(z.string(), serviceSchema) });

export type ComposeService = z.infer<typeof serviceSchema>;

/** docker-compose.yml as Compose reads it with these variables in `.env`. */
export function readCompose(variables: Record<string, string>): Map<string, ComposeService> {
  const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
  const document: unknown = parse(interpolate(text, variables), { merge: true });
  const { services } = composeSchema.parse(document);
  for (const { environment } of Object.values(services)) {
    for (const [name, value] of Object.entries(environment))
      environment[name] = value ?? variables[name] ?? null;
  }
  return new Map(Object.entries(services));
}

/** Of a command line with quotes, but without escapes. */
function words(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
}

/** `${NAME}`, `${NAME:-otherwise}` and `${NAME:?message}`, also one inside the other. */
function interpolate(text: string, variables: Record<string, string>): string {
  const innermost = /\$\{([A-Z0-9_]+)(?::([-?])([^${}]*))?\}/g;
  const replaced = text.replace(innermost, (_, name: string, operator?: string, operand = '') => {
    const value = variables[name] ?? '';
    if (value !== '') return value;
    if (operator === '?') throw new Error(`${name}: ${operand}`);
    return operator === '-' ? operand : '';
  });
  return replaced === text ? text : interpolate(replaced, variables);
}
