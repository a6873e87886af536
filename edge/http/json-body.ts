import type * as z from 'zod';
import { ServiceError } from '../../shared/contract/errors.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { verifyContentDigest } from './content-digest.ts';
import { requireIdentityEncoding } from './content-encoding.ts';
import { type BodyLimits, collectSmallBody } from './request-body.ts';

/**
 * Reads a JSON document of a known schema.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`; `INVALID_PARAMETER` for a body that is too large, incomplete, not
 *   as its digest says, no JSON, or not what the schema says; `SERVICE_TIMEOUT` for one that arrives too slowly
 */
export async function readJsonBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  limits: BodyLimits,
): Promise<z.output<Schema>> {
  requireIdentityEncoding(request);
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new ServiceError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Send a JSON document with Content-Type: application/json.',
      { details: { supported: ['application/json'] } },
    );
  }
  const parsed = schema.safeParse(parseJson(new TextDecoder().decode(await readDocument(request, limits))));
  if (parsed.success) return parsed.data;
  throw invalidField(parsed.error);
}

/** A document is no image: its errors are those of a parameter. */
async function readDocument(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  try {
    const body = await collectSmallBody(request, limits);
    await verifyContentDigest(request.headers.get('content-digest'), body);
    return body;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code === 'SERVICE_TIMEOUT') throw error;
    const { message, details, cause } = error;
    throw new ServiceError('INVALID_PARAMETER', message, { details, cause });
  }
}

/** @returns the first thing that is wrong with a document, in words for its sender */
export function invalidField(error: z.ZodError): ServiceError {
  const issue = error.issues[0];
  const parameter = issue?.path.join('.');
  const message = parameter
    ? `Field '${parameter}' ${issue?.message}.`
    : 'The body must be a JSON object with the documented fields.';
  return new ServiceError('INVALID_PARAMETER', message, {
    details: parameter ? { parameter } : {},
    cause: error,
  });
}
