import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { sharedDataMissing } from '../fixtures/images.ts';
import { postMatch, readMatch } from '../fixtures/match-client.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { oxfordImage, oxfordTruth, SEQUENCES, type Sequence } from './oxford.ts';
import { meanCornerError } from './planar-scene.ts';

const LARGEST_ERROR_PX = 3;
/** The pairs that SIFT is made for, here the easiest and the hardest; bench/matching.ts reports harder ones too. */
const LAST_OF_SEQUENCE: Record<Sequence, number> = { graffiti: 3, boat: 4, leuven: 6, ubc: 6 };

const PAIRS = SEQUENCES.flatMap((sequence) =>
  Array.from({ length: LAST_OF_SEQUENCE[sequence] - 1 }, (_, index) => index + 2)
    .filter((number) => IS_THOROUGH || number === 2 || number === LAST_OF_SEQUENCE[sequence])
    .map((number): [Sequence, number] => [sequence, number]),
);

describe.skipIf(sharedDataMissing('homographies of the Oxford sequences'))(
  `homographies of real images are true to ${LARGEST_ERROR_PX} px`,
  () => {
    let stack: EdgeStack;
    beforeAll(async () => {
      stack = await startEdgeStack({ runtime: 'workerd' });
    });
    afterAll(() => stack?.stop());

    test.each(PAIRS)('%s 1→%i', async (sequence, number) => {
      const image1 = oxfordImage(sequence, 1);
      const response = await readMatch(
        await postMatch(stack.url, { image1, image2: oxfordImage(sequence, number) }),
      );
      const { width, height } = response.images[0];
      const found = response.homography?.matrix.flat() ?? [];
      const error = meanCornerError(found, oxfordTruth(sequence, number), width, height);
      expect(error).toBeLessThan(LARGEST_ERROR_PX);
    });
  },
);
