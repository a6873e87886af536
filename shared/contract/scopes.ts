import * as z from 'zod';

/** What an API key allows, each including the one before: to read results, to have images worked on, to administer. */
export const scopeSchema = z.enum(['read', 'write', 'admin']);
export type Scope = z.infer<typeof scopeSchema>;

export function allows(granted: Scope, required: Scope): boolean {
  const { options } = scopeSchema;
  return options.indexOf(granted) >= options.indexOf(required);
}
