import * as z from 'zod';

/** Settings that cannot be used; the message lists all of them, for the operator. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads a process' settings: environment variables, or a Worker's bindings. What is set to nothing counts as not set:
 * Compose writes it so, and workerd binds null to a variable that is absent.
 *
 * @throws SettingsError
 */
export function readSettings<Schema extends z.ZodType>(
  schema: Schema,
  environment: Record<string, unknown>,
): z.infer<Schema> {
  const given = Object.entries(environment).filter(([, value]) => value !== '' && value !== null);
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')} ${message}`);
  throw new SettingsError(`These settings cannot be used:\n${problems.join('\n')}`);
}

/** A whole number as an environment variable gives it: decimal digits and nothing else. */
export function integerSetting(least: number, greatest = Number.MAX_SAFE_INTEGER) {
  const range = greatest < Number.MAX_SAFE_INTEGER ? `from ${least} to ${greatest}` : `of at least ${least}`;
  return z
    .string({ error: `must be a whole number ${range}` })
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= greatest, {
      error: `must be a whole number ${range}`,
    })
    .transform(Number);
}

/**
 * Shared secrets, separated by commas: the first is used, all of them are accepted. So a secret is replaced without an
 * outage: add the new one behind the old one everywhere, then put it first everywhere, then remove the old one.
 */
export function secretListSetting(leastLength: number) {
  return z
    .string({ error: `is missing: a secret of at least ${leastLength} characters` })
    .transform((text) =>
      text
        .split(',')
        .map((secret) => secret.trim())
        .filter((secret) => secret !== ''),
    )
    .refine((secrets) => secrets.length > 0 && secrets.every(({ length }) => length >= leastLength), {
      error: `must have at least ${leastLength} characters; several secrets are separated by commas`,
    });
}

/** A part of a whole. */
export function shareSetting() {
  const error = 'must be a number from 0 to 1';
  return z.coerce.number({ error }).min(0, { error }).max(1, { error });
}

/** A TCP port that clients connect to. */
export function portSetting(otherwise: number) {
  return integerSetting(1, 65_535).default(otherwise);
}
