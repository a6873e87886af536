import { ServiceError } from '../../shared/contract/errors.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import { sha256Schema } from '../../shared/feature-key.ts';
import type { FormPart } from '../http/form.ts';
import type { Timing } from '../observability/timing.ts';
import type { ImageForm } from './image-form.ts';
import type { IdentifiedImage, Ingest } from './ingest.ts';

const MATCH_FIELDS = ['image1', 'image2'] as const;
export type MatchField = (typeof MATCH_FIELDS)[number];

/** Two images, each a file or the SHA-256 of one whose features are cached. */
export const MATCH_FORM: ImageForm = {
  fields: MATCH_FIELDS,
  maxImages: 2 * MATCH_FIELDS.length,
  maxLengthInImages: MATCH_FIELDS.length,
  acceptsRawImage: false,
  invitation:
    'Send multipart/form-data with the fields "image1" and "image2": each is an image file or a SHA-256.',
};

/** One side of a match: an image, or just the hash of one whose features are cached. */
export interface MatchSide {
  field: MatchField;
  sha256: string;
  upload?: Omit<IdentifiedImage, 'sha256'>;
}

/**
 * Identifies the two images of a received {@link MATCH_FORM}.
 *
 * @throws ServiceError whose details name the field: `INVALID_PARAMETER`, and what {@link Ingest.identify} throws
 */
export async function identifySides(
  parts: FormPart[],
  { ingest, sift, timing }: { ingest: Ingest; sift: SiftParameters; timing: Timing },
): Promise<readonly [MatchSide, MatchSide]> {
  const identify = async (field: MatchField): Promise<MatchSide> => {
    const part = onlyPart(parts, field);
    const hash = hashIn(part);
    if (hash !== undefined) return { field, sha256: hash };
    try {
      const { sha256, ...upload } = await ingest.identify(part, sift, timing);
      return { field, sha256, upload };
    } catch (error) {
      if (isText(error)) {
        throw fieldError(field, `Field '${field}' must be a file or a SHA-256 in 64 hexadecimal digits.`);
      }
      throw error instanceof ServiceError ? withField(error, field) : error;
    }
  };
  return [await identify('image1'), await identify('image2')];
}

function onlyPart(parts: FormPart[], field: MatchField): FormPart {
  const [part, ...others] = parts.filter(({ name }) => name === field);
  if (!part) throw fieldError(field, `The form has no field '${field}'.`);
  if (others.length > 0) throw fieldError(field, `Field '${field}' is given more than once.`);
  return part;
}

/** Digits of a SHA-256, and some blanks around them. */
const LONGEST_HASH_FIELD = 100;

function hashIn({ fileName, bytes }: FormPart): string | undefined {
  if (fileName !== undefined || bytes.length > LONGEST_HASH_FIELD) return undefined;
  return sha256Schema.safeParse(new TextDecoder().decode(bytes).trim().toLowerCase()).data;
}

function isText(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'INVALID_PARAMETER';
}

function fieldError(field: MatchField, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter: field } });
}

/** The same error, naming which of the two images it is about. */
export function withField(error: ServiceError, field: MatchField): ServiceError {
  return new ServiceError(error.code, error.message, {
    details: { ...error.details, field },
    cause: error.cause,
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
  });
}
