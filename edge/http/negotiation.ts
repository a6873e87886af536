import Negotiator from 'negotiator';
import { ServiceError } from '../../shared/contract/errors.ts';
import type { Representation } from '../../shared/contract/parameters.ts';
import { FEATURE_FILES, type FileFormat } from '../../shared/features/files.ts';
import type { EdgeContext } from '../context.ts';

export type Format = 'json' | FileFormat;

const FILE_FORMATS = Object.keys(FEATURE_FILES) as FileFormat[];

const FORMAT_OF_MEDIA_TYPE = new Map<string, Format>([
  ['application/json', 'json'],
  ...FILE_FORMATS.flatMap((format) =>
    FEATURE_FILES[format].mediaTypes.map((mediaType): [string, Format] => [mediaType, format]),
  ),
]);
/** Media types that `Accept` can name, in the order of our preference. */
export const MEDIA_TYPES = [...FORMAT_OF_MEDIA_TYPE.keys()];

/**
 * The parameter `format` where it is given, else the best of `Accept`, else JSON.
 *
 * @throws ServiceError `INVALID_PARAMETER` for RootSIFT in a format that cannot hold it
 */
export function negotiateFormat(context: EdgeContext, representation: Representation): Format {
  const format = representation.format ?? acceptedFormat(context);
  if (representation.root_sift && format !== 'json' && !FEATURE_FILES[format].hasRootSift) {
    throw new ServiceError('INVALID_PARAMETER', `The format '${format}' cannot hold RootSIFT descriptors.`, {
      details: { parameter: 'root_sift', format },
    });
  }
  return format;
}

/** By the client's order of preference; ours, JSON first, where it has none (RFC 9110, 12.5.1). */
function acceptedFormat(context: EdgeContext): Format {
  const accept = context.req.header('accept');
  if (accept === undefined) return 'json';
  const mediaType = new Negotiator({ headers: { accept } }).mediaType(MEDIA_TYPES) ?? '';
  return FORMAT_OF_MEDIA_TYPE.get(mediaType) ?? 'json';
}

/**
 * Checks that the client takes this media type, where a response has no other.
 *
 * @throws ServiceError `NOT_ACCEPTABLE`
 */
export function requireAccepted(context: EdgeContext, mediaType: string): void {
  const accept = context.req.header('accept');
  if (accept === undefined || new Negotiator({ headers: { accept } }).mediaType([mediaType])) return;
  throw new ServiceError(
    'NOT_ACCEPTABLE',
    `The response is ${mediaType}, but the Accept header excludes it.`,
    {
      details: { supported: [mediaType] },
    },
  );
}

/** Whether the response takes more than the summary. */
export function needsPayload(format: Format, representation: Representation): boolean {
  return format !== 'json' || representation.include !== 'summary';
}
