import * as z from 'zod';

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
