import type { Picture } from '../pictures.ts';
import type { Variant } from '../variants.ts';
import type { BodyTemplate, LoadJob } from './job.ts';

export const DETECT_PATH = '/api/v1/features/detect';
/** As long as curl's. */
const BOUNDARY = `${'-'.repeat(24)}edgesiftBenchmark00000`;

/** How an upload is put into a request. */
export type Encoding = 'multipart' | 'raw';

/** Method, headers and body of uploads of one picture. */
export function uploadOf(
  picture: Picture,
  encoding: Encoding,
): Pick<LoadJob, 'method' | 'headers'> & { body: BodyTemplate } {
  const mediaType = `image/${picture.format}`;
  if (encoding === 'raw') {
    const body = { head: picture.bytes, foot: new Uint8Array() };
    return { method: 'POST', headers: { 'content-type': mediaType }, body };
  }
  const partHead =
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="${picture.name}"\r\n` +
    `Content-Type: ${mediaType}\r\n\r\n`;
  return {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: {
      head: Buffer.concat([Buffer.from(partHead), picture.bytes]),
      foot: Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
    },
  };
}

/** One upload of each variant. */
export function uploadsOf(variants: readonly Variant[]): LoadJob['requests'] {
  return variants.map(({ number }) => ({ path: DETECT_PATH, variant: number }));
}
