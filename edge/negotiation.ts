import { accepts } from 'hono/accepts';
import type { Representation } from '../shared/contract/parameters.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../shared/features/safetensors.ts';
import type { EdgeContext } from './context.ts';

export type Format = NonNullable<Representation['format']>;

const MEDIA_TYPES: Record<string, Format> = {
  'application/json': 'json',
  [SAFETENSORS_CONTENT_TYPE]: 'safetensors',
  'application/x-safetensors': 'safetensors',
};

/** The parameter `format` where it is given, else the best of `Accept`, else JSON. */
export function negotiateFormat(context: EdgeContext, representation: Representation): Format {
  if (representation.format) return representation.format;
  const mediaType = accepts(context, {
    header: 'Accept',
    supports: Object.keys(MEDIA_TYPES),
    default: 'application/json',
  });
  return MEDIA_TYPES[mediaType] ?? 'json';
}

/** Whether the answer takes more than the summary. */
export function needsPayload(format: Format, representation: Representation): boolean {
  return format !== 'json' || representation.include !== 'summary';
}
