import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { flatImage, newImage, ownImage } from '../fixtures/images.ts';
import { postMatch, readMatch } from '../fixtures/match-client.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import {
  mapPoint,
  meanCornerError,
  SCENE,
  SCENE_HOMOGRAPHY,
  straightView,
  warpedView,
} from '../matching/planar-scene.ts';

const runtime = inject('runtime');
/** Miniflare serves the same Worker as workerd: there in thorough runs alone. */
const isWanted = IS_THOROUGH || runtime !== 'miniflare';

/** What a client sees of matching, the same on every runtime. */
describe.runIf(isWanted)(inThorough(`matching, with the edge on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  let image1: Uint8Array<ArrayBuffer>;
  let image2: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime, originEnvironment: { ORIGIN_THREADS: '2' } });
    image1 = await straightView();
    image2 = await warpedView();
  });
  afterAll(() => stack?.stop());

  const expectProblem = async (response: Response, status: number, code: string) => {
    const problem = await readProblem(response);
    expect({ status: problem.status, code: problem.error_code }).toEqual({ status, code });
    return problem;
  };

  test('two views of a plane: the homography from the first to the second', async () => {
    const response = await readMatch(await postMatch(stack.url, { image1, image2 }));
    const matrix = response.homography?.matrix.flat() ?? [];
    expect(meanCornerError(matrix, SCENE_HOMOGRAPHY, SCENE.width, SCENE.height)).toBeLessThan(1);
    expect(response.inliers).toBeGreaterThan(20);
    expect(response.matches).toBeGreaterThanOrEqual(response.inliers);
    expect(response.homography?.reprojection_error).toBeLessThan(1);
    expect(response.model).toBe('homography');
    expect(response.pairs).toBeUndefined();
  });

  test('include=all: the pairs, with their points, and whether each agrees', async () => {
    const response = await readMatch(await postMatch(stack.url, { image1, image2 }, { include: 'all' }));
    const { pairs, homography, matches, inliers, images } = response;
    if (!pairs || !homography) throw new Error('no pairs');
    for (const column of Object.values(pairs)) expect(column.length).toBe(matches);
    expect(pairs.inlier.filter(Boolean).length).toBe(inliers);
    expect(new Set(pairs.index1).size).toBe(matches);
    expect(new Set(pairs.index2).size).toBe(matches);
    expect(Math.max(...pairs.index1)).toBeLessThan(images[0].keypoints);
    const errors = pairs.x1.map((x, pair) => {
      const [mappedX, mappedY] = mapPoint(homography.matrix.flat(), x, pairs.y1[pair] ?? 0);
      return Math.hypot(mappedX - (pairs.x2[pair] ?? 0), mappedY - (pairs.y2[pair] ?? 0));
    });
    expect(errors.map((error) => error <= 2)).toEqual(pairs.inlier);
    const ofInliers = errors.filter((error) => error <= 2);
    const mean = ofInliers.reduce((sum, error) => sum + error, 0) / inliers;
    expect(homography.reprojection_error).toBeCloseTo(mean, 6);
  });

  test('the other way round: the same pairs', async () => {
    const there = await readMatch(await postMatch(stack.url, { image1, image2 }, { include: 'all' }));
    const back = await readMatch(
      await postMatch(stack.url, { image1: image2, image2: image1 }, { include: 'all' }),
    );
    const pairsOf = (first: number[] = [], second: number[] = []) =>
      first.map((index, pair) => `${index}-${second[pair]}`).toSorted();
    expect(pairsOf(back.pairs?.index2, back.pairs?.index1)).toEqual(
      pairsOf(there.pairs?.index1, there.pairs?.index2),
    );
  });

  test('equal requests get equal results, on every thread', async () => {
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => postMatch(stack.url, { image1, image2 }, { include: 'all' })),
    );
    const results = await Promise.all(
      responses.map(async (response) => {
        const { request_id, processing_time_ms, cached, images, ...result } = await readMatch(response);
        return JSON.stringify(result);
      }),
    );
    expect(new Set(results).size).toBe(1);
  });

  test('by hash, once the features are cached; before that it says which are not', async () => {
    const image = await newImage();
    const sha256 = createHash('sha256').update(image).digest('hex');
    const problem = await expectProblem(
      await postMatch(stack.url, { image1, image2: sha256 }),
      404,
      'FEATURES_NOT_CACHED',
    );
    expect(problem.details).toMatchObject({ field: 'image2', sha256 });
    await readDetection(await postImage(stack.url, image));
    const response = await readMatch(
      await postMatch(stack.url, { image1: sha256.toUpperCase(), image2: sha256 }),
    );
    expect(response.cached).toBe(true);
    expect(response.images.map((image) => image.sha256)).toEqual([sha256, sha256]);
  });

  test('an image with itself: everything agrees with the identity', async () => {
    const response = await readMatch(await postMatch(stack.url, { image1, image2: image1 }));
    expect(response.inliers).toBe(response.matches);
    const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    for (const [index, value] of (response.homography?.matrix.flat() ?? []).entries()) {
      expect(value).toBeCloseTo(identity[index] ?? 0, 4);
    }
  });

  test('the fundamental matrix of two views', async () => {
    const response = await readMatch(
      await postMatch(stack.url, { image1, image2 }, { model: 'fundamental', include: 'all' }),
    );
    expect(response).not.toHaveProperty('homography');
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] =
      response.fundamental?.matrix.flat() ?? [];
    expect(response.inliers).toBeGreaterThan(20);
    const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    expect(Math.abs(determinant)).toBeLessThan(1e-9);
  });

  test.each(['homography', 'fundamental'])(
    'images without features have no %s, for lack of matches',
    async (model) => {
      const flat = await flatImage(64, 48);
      for (const sides of [
        { image1: flat, image2: flat },
        { image1, image2: flat },
        { image1: flat, image2 },
      ]) {
        const response = await readMatch(await postMatch(stack.url, sides, { model, include: 'all' }));
        expect(response).toMatchObject({ matches: 0, inliers: 0, [model]: null, reason: 'too_few_matches' });
        expect(response.pairs?.index1).toEqual([]);
      }
    },
  );

  test('fewer matches than the model takes: none, and the reason', async () => {
    const three = await readMatch(await postMatch(stack.url, { image1, image2: image1 }, { nfeatures: '3' }));
    expect(three).toMatchObject({ matches: 3, homography: null, reason: 'too_few_matches' });
    const six = { model: 'fundamental', nfeatures: '6' };
    const response = await readMatch(await postMatch(stack.url, { image1, image2: image1 }, six));
    expect(response).toMatchObject({ matches: 6, inliers: 0, fundamental: null, reason: 'too_few_matches' });
  });

  test('just as many matches as the model takes prove nothing', async () => {
    const response = await readMatch(
      await postMatch(stack.url, { image1, image2: image1 }, { nfeatures: '4' }),
    );
    expect(response).toMatchObject({ matches: 4, inliers: 0, homography: null, reason: 'no_consensus' });
  });

  test('a missing, doubled, textual or stray field is named', async () => {
    const missing = await expectProblem(await postMatch(stack.url, { image1 }), 400, 'INVALID_PARAMETER');
    expect(missing.details.parameter).toBe('image2');
    const text = await expectProblem(
      await postMatch(stack.url, { image1: 'no hash', image2: 'none either' }),
      400,
      'INVALID_PARAMETER',
    );
    expect(text.details.parameter).toBe('image1');
    const stray = await expectProblem(
      await postMatch(stack.url, { image1, image2, image3: image1 }),
      400,
      'INVALID_PARAMETER',
    );
    expect(stray.details.parameter).toBe('image3');
    const body = new FormData();
    for (const name of ['image1', 'image1', 'image2']) body.append(name, new File([image1], 'a.png'));
    const doubled = await fetch(`${stack.url}/api/v1/match`, { method: 'POST', body });
    expect((await expectProblem(doubled, 400, 'INVALID_PARAMETER')).details.parameter).toBe('image1');
  });

  test('a bad image is refused as by detect, and named', async () => {
    const noImage = new TextEncoder().encode('no image');
    const problem = await expectProblem(
      await postMatch(stack.url, { image1, image2: noImage }),
      400,
      'INVALID_IMAGE',
    );
    expect(problem.details.field).toBe('image2');
    const half = ownImage('png-rgb.png').slice(0, 1_000);
    const damaged = await postMatch(stack.url, { image1: half, image2 });
    expect((await expectProblem(damaged, 422, 'IMAGE_READ_ERROR')).details.field).toBe('image1');
  });

  test.each([
    'ratio=0',
    'ratio=1.5',
    'threshold=-1',
    'model=affine',
    'include=keypoints',
    'colour=1',
    'sigma=x',
  ])('parameter %s', async (pair) => {
    const [name = '', value = ''] = pair.split('=');
    const response = await postMatch(stack.url, { image1, image2 }, { [name]: value });
    expect((await expectProblem(response, 400, 'INVALID_PARAMETER')).details.parameter).toBe(name);
  });

  test('bodies of other media types', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${stack.url}/api/v1/match`, { method: 'POST', body: '{}', headers });
    await expectProblem(response, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });
});
