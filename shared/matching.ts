import { ServiceError } from './contract/errors.ts';
import { MAX_MATCHED_KEYPOINTS } from './contract/limits.ts';
import { BYTES_PER_KEYPOINT } from './features/payload.ts';

const PAYLOAD_HEADER_BYTES = 16 * 1024;
/** Two payloads of the most keypoints: the largest request for a match that an origin receives. */
export const MAX_MATCH_BODY_BYTES = 2 * (MAX_MATCHED_KEYPOINTS * BYTES_PER_KEYPOINT + PAYLOAD_HEADER_BYTES);

/**
 * Refuses an image of so many keypoints that matching it would take too long.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`
 */
export function checkMatchable(keypoints: number): void {
  if (keypoints <= MAX_MATCHED_KEYPOINTS) return;
  const message = `An image with more than ${MAX_MATCHED_KEYPOINTS} keypoints cannot be matched. Set nfeatures to keep the strongest ones.`;
  throw new ServiceError('IMAGE_TOO_LARGE', message, {
    details: { limit: 'keypoints', max: MAX_MATCHED_KEYPOINTS, actual: keypoints },
  });
}
