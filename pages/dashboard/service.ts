import {
  type Detection,
  EdgesiftClient,
  type ExtractionParameters,
  type FeatureFile,
  type FileFormat,
} from '../../client/client.ts';
import type { DetectParameters } from '../../client/contract.ts';
import { EdgesiftError } from '../../client/errors.ts';
import { isNotCached } from '../../client/hash-first.ts';
import { DEFAULT_RETRY_POLICY } from '../../client/transport/retry.ts';
import { type CallOptions, Transport } from '../../client/transport/transport.ts';
import { apiKey } from './api-key.ts';
import { askForApiKey } from './key-dialog.ts';

/** People wait for the result: a service that is down should be reported soon. */
const RETRY = { ...DEFAULT_RETRY_POLICY, retries: 2, maxDelayMs: 5_000 };
/** Denoising takes seconds per megapixel. */
const TIMEOUT_MS = 120_000;

function sendWithKey(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const key = apiKey();
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set('Authorization', `Bearer ${key}`);
  return fetch(input, { ...init, headers });
}

function createClient(send: typeof fetch): EdgesiftClient {
  return new EdgesiftClient({ url: location.origin, fetch: send, retry: RETRY, timeoutMs: TIMEOUT_MS });
}

/** The service that served this page. */
export const service = createClient(sendWithKey);

/** For routes that the client has no call for. */
export const transport = new Transport({
  url: location.origin,
  apiKey: undefined,
  headers: {},
  fetch: sendWithKey,
  timeoutMs: TIMEOUT_MS,
  retry: RETRY,
  onRetry: undefined,
});

export interface Measured<Result> {
  result: Result;
  /** Of the last response. */
  headers: Headers;
  /** From the beginning of the last request to the end of its response. */
  elapsedMs: number;
}

/** Makes a call and keeps what its response says in headers. */
export async function measured<Result>(
  call: (client: EdgesiftClient) => Promise<Result>,
): Promise<Measured<Result>> {
  let headers = new Headers();
  let startedAt = performance.now();
  const client = createClient(async (input, init) => {
    startedAt = performance.now();
    const response = await sendWithKey(input, init);
    headers = response.headers;
    return response;
  });
  const result = await call(client);
  return { result, headers, elapsedMs: performance.now() - startedAt };
}

/** Repeats a call with the key that the user enters, where the service requires one. */
export async function withApiKey<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof EdgesiftError) || error.status !== 401) throw error;
      const reason = isFirst ? 'This service requires an API key.' : 'The service does not accept this key.';
      if (!(await askForApiKey(`${reason} It is kept in this tab only.`))) throw error;
    }
  }
}

/**
 * Whether these features are cached. The question has a route of its own that never responds with 404, which browsers
 * would report as an error on their console.
 */
export async function isCached(
  hash: string | undefined,
  parameters: ExtractionParameters,
  call: CallOptions = {},
): Promise<boolean> {
  if (hash === undefined) return false;
  try {
    return (await service.exists([hash], parameters, call)).has(hash);
  } catch (error) {
    if (error instanceof EdgesiftError && error.isTransient) return false;
    throw error;
  }
}

export type Keypoints = Detection<'keypoints'>;

/** Features of a file. It is sent only where they are not cached. */
export async function detectFile<Include extends 'summary' | 'keypoints'>(
  client: EdgesiftClient,
  image: { file: File; cachedHash: string | undefined },
  parameters: Omit<DetectParameters, 'format' | 'include'> & { include: Include },
  call: CallOptions = {},
): Promise<Detection<Include>> {
  if (image.cachedHash !== undefined) {
    try {
      return await client.detect(image.cachedHash, parameters, call);
    } catch (error) {
      if (!isNotCached(error)) throw error;
    }
  }
  return client.detect(image.file, parameters, { ...call, hashFirst: false });
}

/** The features of an image in a file of their own. It is sent only where its features are not cached any more. */
export async function featureFile(
  { file, hash }: { file: File; hash?: string | undefined },
  format: FileFormat,
  parameters: DetectParameters,
): Promise<FeatureFile> {
  if (hash !== undefined) {
    try {
      return await service.file(hash, format, parameters);
    } catch (error) {
      if (!isNotCached(error)) throw error;
    }
  }
  return service.file(file, format, parameters, { hashFirst: false });
}

/** The parameters that decide the features, without those of their representation. */
export function extractionParameters({
  root_sift: _rootSift,
  include: _include,
  format: _format,
  ...extraction
}: DetectParameters): ExtractionParameters {
  return extraction;
}
