import { FEATURE_CONTENT, FEATURE_HEADERS, sha256Parameter } from '../feature-content.ts';
import { detectParametersSchema } from '../parameters.ts';
import { defineRoute } from '../route.ts';

export const featuresByHash = defineRoute({
  method: 'GET',
  path: '/api/v1/features/{sha256}',
  operationId: 'featuresByHash',
  tag: 'features',
  scope: 'read',
  summary: 'Features of an image that the cache has, without an upload',
  description: 'Hash the file, send this request, and upload the file only on 404.',
  head: { operationId: 'hasFeaturesByHash', summary: 'Whether the cache has the features of an image' },
  pathParameters: { sha256: sha256Parameter },
  query: detectParametersSchema,
  requestHeaders: ['If-None-Match'],
  responses: {
    200: {
      description: 'The features, in the requested format',
      headers: [...FEATURE_HEADERS, 'Cache-Control'],
      content: FEATURE_CONTENT,
    },
    304: { description: 'The client already has them', headers: ['ETag', 'Vary', 'Cache-Control'] },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'sigma' must be a number from 0.5 to 10.",
    FEATURES_NOT_CACHED: 'The features of this image are not cached. Upload the image.',
  },
});
