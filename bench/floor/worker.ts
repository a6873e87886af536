/**
 * The least that a Worker can do for an upload: it reads the body, hashes the image, and makes the same exchanges with Redis
 * and the origin as the service. It checks, limits, counts and logs nothing. It shows which part of the service's cost the runtime
 * and the exchanges have.
 */
import { DEFAULT_SIFT_PARAMETERS, parameterPairs } from '../../shared/contract/parameters.ts';
import { extractorSchema } from '../../shared/extractor.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { toHex } from '../../shared/hex.ts';
import {
  contentDigestOf,
  EXTRACT_PATH,
  importOriginSecret,
  ORIGIN_HEADERS,
  signOriginRequest,
} from '../../shared/origin-protocol.ts';
import { summaryKey } from '../../shared/records/feature-records.ts';
import { TAG_LENGTH } from '../../shared/records/record-authenticator.ts';
import { sha256 } from '../../shared/sha256.ts';

interface Bindings {
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
  ORIGIN_URL: string;
  ORIGIN_SECRET: string;
  EXTRACTOR: string;
}

/** Responses to what this Worker had computed, by the SHA-256 of the image. */
const computed = new Map<string, string>();
const pathAndQuery = `${EXTRACT_PATH}?${new URLSearchParams(parameterPairs(DEFAULT_SIFT_PARAMETERS))}`;
let secret: ReturnType<typeof importOriginSecret> | undefined;

export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    if (request.method === 'GET') return Response.json({ status: 'ok' });
    const image = imageIn(new Uint8Array(await request.arrayBuffer()));
    const digest = await sha256(image);
    const hash = toHex(digest);
    const known = computed.get(hash);
    if (known) return respond(known, 'HIT memory');
    const record = await lookUp(hash, bindings);
    if (record) return respond(record.slice(TAG_LENGTH), 'HIT redis');
    const response = await extract(image, digest, bindings);
    const summary = await response.text();
    computed.set(hash, summary);
    return respond(summary, 'MISS', response.headers.get(ORIGIN_HEADERS.serverTiming) ?? '');
  },
};

/** The only part of a form as the benchmark's client sends it. */
function imageIn(form: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [CR, LF] = [13, 10];
  let begin = 0;
  while (begin < form.length && (form[begin] !== CR || form[begin + 1] !== LF || form[begin + 2] !== CR))
    begin += 1;
  let end = form.length - 3;
  while (end > begin && (form[end] !== CR || form[end + 1] !== LF)) end -= 1;
  return form.subarray(begin + 4, end);
}

async function lookUp(hash: string, bindings: Bindings): Promise<string | null> {
  const key = featureKey(extractorSchema.parse(bindings.EXTRACTOR), DEFAULT_SIFT_PARAMETERS, hash);
  const response = await fetch(bindings.UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { authorization: `Bearer ${bindings.UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(['GET', summaryKey(key)]),
  });
  const { result } = (await response.json()) as { result: string | null };
  return result;
}

async function extract(
  image: Uint8Array<ArrayBuffer>,
  digest: Uint8Array,
  bindings: Bindings,
): Promise<Response> {
  secret ??= importOriginSecret(bindings.ORIGIN_SECRET);
  const timestampMs = Date.now();
  const contentDigest = contentDigestOf(digest);
  const parts = { method: 'POST', pathAndQuery, timestampMs, contentDigest };
  return fetch(bindings.ORIGIN_URL + pathAndQuery, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/octet-stream',
      [ORIGIN_HEADERS.contentDigest]: contentDigest,
      [ORIGIN_HEADERS.timestamp]: String(timestampMs),
      [ORIGIN_HEADERS.signature]: await signOriginRequest(await secret, parts),
      [ORIGIN_HEADERS.cacheTtl]: '3600',
    },
    body: image,
  });
}

function respond(summary: string, cache: string, serverTiming = ''): Response {
  const headers = { 'content-type': 'application/json', 'x-cache': cache, 'server-timing': serverTiming };
  return new Response(summary, { headers });
}
