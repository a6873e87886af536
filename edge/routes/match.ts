import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import {
  DEFAULT_SIFT_PARAMETERS,
  type MatchParameters,
  parseMatchParameters,
  type SiftParameters,
} from '../../shared/contract/parameters.ts';
import type { MatchResponse, MatchResult } from '../../shared/contract/responses.ts';
import { match } from '../../shared/contract/routes/match.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { checkMatchable } from '../../shared/matching.ts';
import { clientIdentity } from '../access/client-identity.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import type { FoundFeatures } from '../features/feature-source.ts';
import { addRoute } from '../http/add-route.ts';
import type { ReceivedForm } from '../ingest/ingest.ts';
import { identifySides, MATCH_FORM, type MatchSide, withField } from '../ingest/match-form.ts';
import { SMALL_PAYLOAD_BYTES } from '../memory-plan.ts';
import { payingFor, reserveWork } from '../middleware/rate-limit.ts';
import type { Services } from '../services.ts';

/** `POST /api/v1/match`: how two images relate, each of them uploaded or named by its hash. */
export function registerMatch(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, match, async (context) => {
    const form = await services.ingest.receive(context, MATCH_FORM, parseMatchParameters);
    try {
      const response = await matchImages(context, services, form);
      // Matching is done for every request: the rate limit charges it as computed.
      context.header('X-Cache', 'MISS');
      return context.json(response);
    } finally {
      form.lease.release();
    }
  });
}

async function matchImages(
  context: EdgeContext,
  services: Services,
  { images, parameters }: ReceivedForm<MatchParameters>,
): Promise<MatchResponse> {
  const timing = context.get('timing');
  const { ingest } = services;
  const sides = await identifySides(images, { ingest, sift: parameters.sift, timing });
  const isSmall = sides.every((side) => isSmallSide(services, side, parameters.sift));
  const memory = isSmall ? services.matches.small : services.matches.large;
  const hold = await memory.admit(2);
  const failed = new AbortController();
  const signal = AbortSignal.any([context.req.raw.signal, failed.signal]);
  try {
    const [first, second] = await Promise.all([
      featuresOf(context, services, sides[0], { sift: parameters.sift, signal }),
      featuresOf(context, services, sides[1], { sift: parameters.sift, signal }),
    ]);
    // The two payloads, and both again in one body for the origin.
    memory.fit(hold, Math.max(first.payload.length, second.payload.length), 4);
    const job = {
      payloads: [first.payload, second.payload] as const,
      geometry: parameters.geometry,
      requestId: context.get('requestId'),
      client: clientIdentity(context),
      trace: context.get('trace'),
      signal,
    };
    // Every match is computed.
    const { result, serverTiming } = await payingFor(services.access.rateLimit, context, () =>
      timing.measure('origin', () => services.origin.match(job)),
    );
    timing.append(serverTiming);
    return matchResponse(context, [first, second], parameters, result);
  } catch (error) {
    // Without the one image the features of the other are of no use.
    failed.abort(error);
    throw error;
  } finally {
    hold.release();
  }
}

/** Twice as many as white noise has with default parameters; photographs have far fewer. */
const KEYPOINTS_PER_PIXEL = 1 / 50;

/** Whether the features of an image can only be few, as far as is known before they are there. */
function isSmallSide({ features }: Services, { sha256, upload }: MatchSide, sift: SiftParameters): boolean {
  const most = Math.floor(SMALL_PAYLOAD_BYTES / BYTES_PER_KEYPOINT);
  const known = features.knownCount({ sha256, parameters: sift });
  if (known !== undefined) return known <= most;
  if (sift.nfeatures > 0 && sift.nfeatures <= most) return true;
  if (!upload || !givesNoMoreThanDefaults(sift)) return false;
  return upload.header.width * upload.header.height * KEYPOINTS_PER_PIXEL <= most;
}

function givesNoMoreThanDefaults(sift: SiftParameters): boolean {
  const { sigma, n_octave_layers, contrast_threshold, edge_threshold } = DEFAULT_SIFT_PARAMETERS;
  return (
    sift.sigma >= sigma &&
    sift.n_octave_layers <= n_octave_layers &&
    sift.contrast_threshold >= contrast_threshold &&
    sift.edge_threshold <= edge_threshold
  );
}

type FeaturesToMatch = FoundFeatures & { payload: Uint8Array<ArrayBuffer> };

async function featuresOf(
  context: EdgeContext,
  { features, access }: Services,
  side: MatchSide,
  { sift, signal }: { sift: SiftParameters; signal: AbortSignal },
): Promise<FeaturesToMatch> {
  const query = {
    sha256: side.sha256,
    parameters: sift,
    needsPayload: true,
    timing: context.get('timing'),
    keepAlive: (work: Promise<unknown>) => context.executionCtx.waitUntil(work),
  };
  try {
    const found = side.upload
      ? await features.obtain({
          ...query,
          ...side.upload,
          requestId: context.get('requestId'),
          client: clientIdentity(context),
          trace: context.get('trace'),
          signal,
          reserveWork: () => reserveWork(access.rateLimit, context),
          releaseBytes: () => undefined,
        })
      : await features.find(query);
    if (!found) throw notCached(side.sha256);
    checkMatchable(found.summary.count);
    if (!found.payload) throw new Error('the payload was requested');
    return { ...found, payload: found.payload };
  } catch (error) {
    throw error instanceof ServiceError ? withField(error, side.field) : error;
  }
}

function notCached(sha256: string): ServiceError {
  return new ServiceError(
    'FEATURES_NOT_CACHED',
    'The features of this image are not cached. Send the image instead of its hash.',
    {
      details: { sha256 },
    },
  );
}

function matchResponse(
  context: EdgeContext,
  found: [FeaturesToMatch, FeaturesToMatch],
  { sift, geometry: { model, ratio, threshold } }: MatchParameters,
  { pairs, ...result }: MatchResult,
): MatchResponse {
  return {
    success: true,
    model,
    ...result,
    images: [imageOf(found[0]), imageOf(found[1])],
    parameters: { ratio, threshold, sift },
    cached: found.every(({ tier }) => tier !== null),
    processing_time_ms: Number(context.get('timing').elapsedMs.toFixed(1)),
    request_id: context.get('requestId'),
    ...(pairs && { pairs }),
  };
}

function imageOf({ summary, tier }: FoundFeatures): MatchResponse['images'][number] {
  const { sha256, width, height } = summary.metadata.image;
  return { sha256, width, height, keypoints: summary.count, tier };
}
