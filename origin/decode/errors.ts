import { ServiceError } from '../../shared/contract/errors.ts';
import type { VehicleImageFormat } from '../../shared/image-header.ts';

/** The file is cut short or contradicts itself. */
export function damaged(format: VehicleImageFormat, cause?: unknown): ServiceError {
  return new ServiceError(
    'IMAGE_READ_ERROR',
    `The ${format.toUpperCase()} image is damaged or incomplete and cannot be decoded.`,
    { details: { format }, cause: shortened(cause) },
  );
}

/** A sound file of a rare kind that the service does not decode. `kind` completes "… with/of". */
export function unsupportedKind(format: VehicleImageFormat, kind: string): ServiceError {
  return new ServiceError('IMAGE_READ_ERROR', `${format.toUpperCase()} images ${kind} are not supported.`, {
    details: { format },
  });
}

/** libvips repeats itself, up to kilobytes for one file; its first words name the fault. */
const MAX_CAUSE_LENGTH = 300;

function shortened(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.message.length <= MAX_CAUSE_LENGTH) return cause;
  return new Error(`${cause.message.slice(0, MAX_CAUSE_LENGTH)}…`);
}

/** As the addon's error for the same: `code` says what it is. */
export function cancelledDecoding(): Error {
  return Object.assign(new Error('the result is not wanted any more'), { code: 'CANCELLED' });
}
