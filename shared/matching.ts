import { ServiceError } from './contract/errors.ts';
import { MAX_MATCHED_KEYPOINTS } from './contract/limits.ts';

/**
 * Refuses an image of so many keypoints that matching it would take too long.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`
 */
export function checkMatchable(keypoints: number): void {
  if (keypoints <= MAX_MATCHED_KEYPOINTS) return;
  const message = `Images of more than ${MAX_MATCHED_KEYPOINTS} keypoints are not matched: use the strongest by nfeatures.`;
  throw new ServiceError('IMAGE_TOO_LARGE', message, {
    details: { limit: 'keypoints', max: MAX_MATCHED_KEYPOINTS, actual: keypoints },
  });
}
