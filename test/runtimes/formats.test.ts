import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { FileFormat } from '../../shared/features/files.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { DETECT, imageForm, postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage, ownImage } from '../fixtures/images.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { toolMissing } from '../formats/real-tool.ts';
import { writeFeatureFile } from '../formats/write-file.ts';

const runtime = inject('runtime');
const isWanted = isShownOn(runtime);

const API_PAGE = new URL('../../docs/api.md', import.meta.url);

const MEDIA_TYPES = {
  safetensors: 'application/vnd.safetensors',
  npz: 'application/x-npz',
  colmap: 'text/x-colmap-features',
  key: 'text/x-lowe-key',
} as const satisfies Record<FileFormat, string>;
const FORMATS = Object.keys(MEDIA_TYPES) as FileFormat[];
const EXTENSIONS = { safetensors: 'safetensors', npz: 'npz', colmap: 'txt', key: 'key' } as const;

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

/** The views of a result, and what HTTP says of them, the same on every runtime. */
describe.runIf(isWanted)(inThorough(`formats on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  /** More than a hundred keypoints. */
  let image: Uint8Array<ArrayBuffer>;
  let url: string;
  let payload: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime });
    image = await newImage(320, 240);
    url = `${stack.url}/api/v1/features/${sha256Of(image)}`;
    payload = await bytesOf(await postImage(stack.url, image, { query: '?format=safetensors' }));
    expect(decodePayload(payload).features.count).toBeGreaterThan(100);
  });
  afterAll(() => stack?.stop());

  test.each(FORMATS)('%s: by Accept or parameter, uploaded or by hash, the same file', async (format) => {
    const accept = { Accept: MEDIA_TYPES[format] };
    const responses = [
      await fetch(url, { headers: accept }),
      await fetch(`${url}?format=${format}`),
      await postImage(stack.url, image, { headers: accept }),
      await postImage(stack.url, image, { query: `?format=${format}` }),
    ];
    const expected = sha256Of(writeFeatureFile(format, payload));
    const etags = new Set<string | null>();
    for (const response of responses) {
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(MEDIA_TYPES[format]);
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="${sha256Of(image)}.${EXTENSIONS[format]}"`,
      );
      expect(response.headers.get('vary')).toBe('Accept, Accept-Encoding');
      expect(sha256Of(await bytesOf(response))).toBe(expected);
      etags.add(response.headers.get('etag'));
    }
    expect(etags.size).toBe(1);
  });

  test.each(['safetensors', 'npz', 'colmap'] as const)(
    '%s: RootSIFT is a view of its own',
    async (format) => {
      const plain = await fetch(`${url}?format=${format}`);
      const rooted = await fetch(`${url}?format=${format}&root_sift=true`);
      const expected = writeFeatureFile(format, payload, { rootSift: true });
      expect(sha256Of(await bytesOf(rooted))).toBe(sha256Of(expected));
      expect(rooted.headers.get('etag')).not.toBe(plain.headers.get('etag'));
      await plain.body?.cancel();
    },
  );

  test('key: RootSIFT is refused, whichever way the format was chosen', async () => {
    const responses = [
      await fetch(`${url}?format=key&root_sift=true`),
      await fetch(`${url}?root_sift=true`, { headers: { Accept: MEDIA_TYPES.key } }),
      await postImage(stack.url, image, { query: '?format=key&root_sift=true' }),
    ];
    for (const response of responses) {
      const problem = await readProblem(response);
      expect(problem).toMatchObject({
        error_code: 'INVALID_PARAMETER',
        details: { parameter: 'root_sift' },
      });
    }
  });

  test('the parameter wins over Accept, the better quality over the worse, JSON is for anyone else', async () => {
    const typeOf = async (accept: string, query = '') => {
      const response = await fetch(url + query, { headers: { Accept: accept } });
      await response.body?.cancel();
      return response.headers.get('content-type');
    };
    expect(await typeOf(MEDIA_TYPES.npz, '?format=key')).toBe(MEDIA_TYPES.key);
    expect(await typeOf(`${MEDIA_TYPES.npz};q=0.5, ${MEDIA_TYPES.colmap}`)).toBe(MEDIA_TYPES.colmap);
    expect(await typeOf('application/x-safetensors')).toBe(MEDIA_TYPES.safetensors);
    const unconcerned = ['*/*', 'text/html, */*;q=0.8', 'image/png', 'application/json'];
    for (const accept of [...unconcerned, `*/*, ${MEDIA_TYPES.safetensors};q=0.1`]) {
      expect(await typeOf(accept)).toBe('application/json');
    }
  });

  test('each representation has an ETag of its own: strong for files, weak for JSON; 304 for each', async () => {
    const queries = [
      ...FORMATS.map((format) => `?format=${format}`),
      '?format=npz&root_sift=true',
      '',
      '?include=keypoints',
      '?include=all',
      '?include=all&root_sift=true',
    ];
    const etags = new Set<string>();
    for (const query of queries) {
      const response = await fetch(url + query);
      await response.body?.cancel();
      const etag = response.headers.get('etag') ?? '';
      etags.add(etag);
      expect(etag).toMatch(query.includes('format') ? /^"[^"]+"$/ : /^W\/"[^"]+"$/);
      expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+, immutable$/);
      const unchanged = await fetch(url + query, { headers: { 'If-None-Match': etag } });
      expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
      for (const name of ['etag', 'vary']) {
        expect(unchanged.headers.get(name)).toBe(response.headers.get(name));
      }
    }
    expect(etags.size).toBe(queries.length);
  });

  test.each([...FORMATS, 'json'])('HEAD of %s has the headers of GET and no body', async (format) => {
    const query = `?format=${format}&include=all`;
    const get = await fetch(url + query);
    await get.body?.cancel();
    const head = await fetch(url + query, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['content-type', 'content-disposition', 'content-encoding', 'etag', 'vary']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  test.skipIf(
    toolMissing('the recipe in docs/api.md', 'bash', '-c', 'curl --version && sha256sum --version'),
  )('the recipe in docs/api.md uploads once, then never again', async () => {
    const recipe = /```bash\n(#[^`]+)```/.exec(readFileSync(API_PAGE, 'utf8'))?.[1] ?? '';
    const script = recipe.replace('http://127.0.0.1:8787', stack.url);
    expect(script).not.toBe(recipe);
    const unknown = await newImage();
    const before = await completedExtractions(stack.origin);
    const folder = await mkdtemp(join(tmpdir(), 'edgesift-recipe-'));
    const [image, file] = [join(folder, 'image.png'), join(folder, 'features')];
    await writeFile(image, unknown);
    // Not synchronously: the gateway runs in this process.
    const features = (query: string) =>
      promisify(execFile)('bash', ['-c', `${script}\nfeatures "$@"`, 'bash', image, query, file]);
    for (const query of ['format=npz', 'format=npz', 'format=key']) await features(query);
    expect(await readFile(file, 'utf8')).toMatch(/^\d+ 128\n/);
    expect((await completedExtractions(stack.origin)) - before).toBe(1);
    await expect(features('x=1')).rejects.toMatchObject({ code: 1 });
    await rm(folder, { recursive: true });
  });

  describe('compression', () => {
    /** undici's plain client: fetch would decompress, and hide that. */
    const get = async (query: string, acceptEncoding?: string) => {
      const headers = acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding };
      const response = await request(url + query, { headers });
      const encoding = response.headers['content-encoding'];
      return {
        encoding,
        etag: response.headers.etag,
        body: new Uint8Array(await response.body.arrayBuffer()),
      };
    };

    test.each(['?include=all', '?include=keypoints', '?include=all&root_sift=true'])(
      'JSON %s comes in gzip to clients that accept it, the same text under the same weak ETag',
      async (query) => {
        const plain = await get(query);
        const gzip = await get(query, 'br, gzip');
        expect([plain.encoding, gzip.encoding]).toEqual([undefined, 'gzip']);
        expect(gzip.body.length).toBeLessThan(0.7 * plain.body.length);
        expect(gzip.etag).toBe(plain.etag);
        const arraysOf = (json: Uint8Array) => {
          const { processing_time_ms, request_id, cache, ...rest } = JSON.parse(
            new TextDecoder().decode(json),
          );
          return rest;
        };
        expect(arraysOf(gunzipSync(gzip.body))).toEqual(arraysOf(plain.body));
      },
    );

    test('what is small, a file, or not accepted comes as it is', async () => {
      const untouched: [query: string, acceptEncoding?: string][] = [
        ['', 'gzip'],
        ['?include=all&nfeatures=5', 'gzip'],
        ['?format=npz', 'gzip'],
        ['?format=colmap', 'gzip'],
        ['?include=all', 'gzip;q=0, identity'],
        ['?include=all', 'br'],
      ];
      await (await postImage(stack.url, image, { query: '?nfeatures=5' })).body?.cancel();
      for (const [query, acceptEncoding] of untouched) {
        expect((await get(query, acceptEncoding)).encoding, query).toBeUndefined();
      }
    });
  });

  describe('Content-Digest', () => {
    const digest = (bytes: Uint8Array, algorithm = 'sha256') =>
      `:${createHash(algorithm).update(bytes).digest('base64')}:`;
    const form = async () => {
      const encoded = new Response(imageForm(image));
      const type = encoded.headers.get('content-type') ?? '';
      return { body: await bytesOf(encoded), type };
    };
    const post = (body: Uint8Array<ArrayBuffer>, type: string, contentDigest: string) =>
      fetch(stack.url + DETECT, {
        method: 'POST',
        body,
        headers: { 'content-type': type, 'content-digest': contentDigest },
      });

    test('that agrees with the raw or the whole multipart body is accepted', async () => {
      await readDetection(await post(image, 'image/png', `sha-256=${digest(image)}`));
      const both = `sha-512=${digest(image, 'sha512')}, sha-256=${digest(image)}`;
      await readDetection(await post(image, 'image/png', both));
      const { body, type } = await form();
      await readDetection(await post(body, type, `sha-256=${digest(body)}`));
    });

    test('of unknown algorithms is passed over', async () => {
      await readDetection(await post(image, 'image/png', 'md5=:AAAA:, unixsum=1234'));
    });

    test('that differs is refused, naming the header', async () => {
      const { body, type } = await form();
      const responses = [
        await post(image, 'image/png', `sha-256=${digest(ownImage('png-rgb.png'))}`),
        await post(image, 'image/png', `sha-256=${digest(image)}, sha-512=:AAAA:`),
        // Of the image in the form, not of the form.
        await post(body, type, `sha-256=${digest(image)}`),
      ];
      for (const response of responses) {
        expect(await readProblem(response)).toMatchObject({
          status: 400,
          error_code: 'INVALID_PARAMETER',
          details: { parameter: 'Content-Digest' },
        });
      }
    });

    test.each([
      'sha-256',
      'sha-256="text"',
      'sha-256=:no base64!:',
      'sha-256=:AAAA',
      '=',
      'sha-256=(:AAAA:)',
    ])('that is malformed is refused: %s', async (contentDigest) => {
      const problem = await readProblem(await post(image, 'image/png', contentDigest));
      expect(problem).toMatchObject({ status: 400, details: { parameter: 'Content-Digest' } });
    });
  });
});
