import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { parseDetectParameters } from '../../shared/contract/parameters.ts';
import { detect } from '../../shared/contract/routes/detect.ts';
import { featuresByHash } from '../../shared/contract/routes/features-by-hash.ts';
import type { EdgeEnvironment } from '../context.ts';
import { etagOf, FEATURES_VARY, requirePayload, respondWithFeatures } from '../features/feature-response.ts';
import { secondsLeft } from '../features/feature-source.ts';
import { addRoute } from '../http/add-route.ts';
import { namesAny, namesTag } from '../http/conditional.ts';
import { needsPayload, negotiateFormat } from '../http/negotiation.ts';
import { parseSha256 } from '../http/path-hash.ts';
import { queryParameters } from '../http/query.ts';
import type { Services } from '../services.ts';

/**
 * A result never changes, but the URL does not name the extractor: after an upgrade it leads to another one. So
 * caches may keep a response for as long as ours do.
 */
function cacheControl(seconds: number): string {
  return `public, max-age=${seconds}, immutable`;
}

/** `GET` and `HEAD /api/v1/features/{sha256}`: features that the cache has, without an upload. */
export function registerFeaturesByHash(app: Hono<EdgeEnvironment>, { features, responses }: Services): void {
  addRoute(app, featuresByHash, async (context) => {
    const sha256 = parseSha256(context.req.param('sha256'));
    const { sift, representation } = parseDetectParameters(queryParameters(context.req.raw));
    const format = negotiateFormat(context, representation);
    const etag = etagOf(features.keyOf({ sha256, parameters: sift }), format, representation);
    const unchanged = (seconds: number) =>
      context.body(null, 304, { ETag: etag, Vary: FEATURES_VARY, 'Cache-Control': cacheControl(seconds) });
    if (namesTag(context, etag)) return unchanged(features.secondsLeft({ sha256, parameters: sift }));
    const hold = needsPayload(format, representation) ? await responses.admit() : undefined;
    try {
      const found = await features.find({
        sha256,
        parameters: sift,
        needsPayload: needsPayload(format, representation),
        timing: context.get('timing'),
        keepAlive: (work) => context.executionCtx.waitUntil(work),
      });
      if (!found) {
        throw new ServiceError(
          'FEATURES_NOT_CACHED',
          'The features of this image are not cached. Upload the image.',
          {
            details: { sha256, upload: detect.path },
          },
        );
      }
      if (namesAny(context)) {
        hold?.release();
        return unchanged(secondsLeft(found.summary));
      }
      if (hold) responses.fit(hold, requirePayload(found).payload.length);
      const response = respondWithFeatures(context, found, { format, representation, hold });
      response.headers.set('Cache-Control', cacheControl(secondsLeft(found.summary)));
      return response;
    } catch (error) {
      hold?.release();
      throw error;
    }
  });
}
