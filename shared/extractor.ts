import * as z from 'zod';

/**
 * The program that makes features. Its version names everything that decides their bits, so that two machines
 * with the same extractor give the same bytes: of our engine a number, of OpenCV's SIFT its release and the SIMD level
 * in use (`4.6.0-avx512`), since OpenCV rounds differently on each level.
 */
export interface Extractor {
  name: string;
  version: string;
}

/** Text form `name@version`, as in configuration and feature keys. */
export const extractorSchema = z
  .string({ error: 'is missing' })
  .regex(/^[a-z][a-z0-9-]{0,31}@[a-z0-9][a-z0-9.+-]{0,47}$/, 'must look like edgesift@1')
  .transform((text): Extractor => {
    const [name = '', version = ''] = text.split('@');
    return { name, version };
  });

export function extractorId({ name, version }: Extractor): string {
  return `${name}@${version}`;
}
