import { EdgesiftError } from '../errors.ts';

/**
 * Whether the next image would be refused as well: the API key or a parameter is wrong. A box can be outside of one image
 * and inside of the next.
 */
export function concernsEveryImage(error: unknown): boolean {
  if (!(error instanceof EdgesiftError)) return false;
  if (error.code === 'INVALID_PARAMETER') return error.details.parameter !== 'box';
  return error.code === 'UNAUTHORIZED' || error.code === 'FORBIDDEN';
}
