import type { Image } from '../images.ts';
import type { Variant } from '../variants.ts';
import type { BodyTemplate, LoadJob } from './job.ts';

export const DETECT_PATH = '/api/v1/features/detect';
/** As long as curl's. */
const BOUNDARY = `${'-'.repeat(24)}edgesiftBenchmark00000`;

/** How an upload is put into a request. */
export type Encoding = 'multipart' | 'raw';

/** Method, headers and body of uploads of one image. */
export function uploadOf(
  image: Image,
  encoding: Encoding,
): Pick<LoadJob, 'method' | 'headers'> & { body: BodyTemplate } {
  const mediaType = `image/${image.format}`;
  if (encoding === 'raw') {
    const body = { head: image.bytes, foot: new Uint8Array() };
    return { method: 'POST', headers: { 'content-type': mediaType }, body };
  }
  const partHead =
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="${image.name}"\r\n` +
    `Content-Type: ${mediaType}\r\n\r\n`;
  return {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: {
      head: Buffer.concat([Buffer.from(partHead), image.bytes]),
      foot: Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
    },
  };
}

/** One upload of each variant. */
export function uploadsOf(variants: readonly Variant[]): LoadJob['requests'] {
  return variants.map(({ number }) => ({ path: DETECT_PATH, variant: number }));
}
