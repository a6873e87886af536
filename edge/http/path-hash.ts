import { ServiceError } from '../../shared/contract/errors.ts';
import { sha256Schema } from '../../shared/feature-key.ts';

/** @throws ServiceError `INVALID_PARAMETER` */
export function parseSha256(text: string): string {
  const parsed = sha256Schema.safeParse(text.toLowerCase());
  if (parsed.success) return parsed.data;
  throw new ServiceError(
    'INVALID_PARAMETER',
    'The path must end in the SHA-256 of an image: 64 hexadecimal digits.',
    { details: { parameter: 'sha256' } },
  );
}
