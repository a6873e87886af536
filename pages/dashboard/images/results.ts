import { strToU8, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import type { FileFormat } from '../../../client/client.ts';
import { inParallel } from '../../../client/concurrency.ts';
import type { DetectParameters } from '../../../client/contract.ts';
import { featureFile, withApiKey } from '../service.ts';
import type { BatchImage } from './image-batch.ts';

export type ArchiveFormat = Exclude<FileFormat, 'json'>;
const EXTENSIONS: Record<ArchiveFormat, string> = {
  safetensors: 'safetensors',
  npz: 'npz',
  colmap: 'txt',
  key: 'key',
};
export const ARCHIVE_FORMATS: readonly ArchiveFormat[] = ['safetensors', 'npz', 'colmap', 'key'];
const CONCURRENCY = 4;

const COLUMNS: readonly [string, (image: BatchImage) => string | number | boolean | undefined][] = [
  ['path', ({ path }) => path],
  ['state', ({ state }) => state],
  ['sha256', ({ hash }) => hash],
  ['cached', ({ result }) => result?.cached],
  ['keypoints', ({ result }) => result?.keypoints],
  ['width', ({ result }) => result?.image.width],
  ['height', ({ result }) => result?.image.height],
  ['bytes', ({ file }) => file.size],
  ['milliseconds', ({ ms }) => ms?.toFixed(1)],
  ['key', ({ result }) => result?.cache.key],
  ['error_code', ({ error }) => error?.code],
  ['message', ({ error }) => error?.message],
];

/** One line for each image (RFC 4180). */
export function csvOf(images: readonly BatchImage[]): string {
  const lines = images.map((image) => COLUMNS.map(([, value]) => quoted(String(value(image) ?? ''))));
  return [COLUMNS.map(([name]) => name), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A ZIP file with the features of each image that succeeded, and the table as CSV. Parts are handed to the browser as
 * they come, which keeps them on disk.
 *
 * @param onProgress called with the number of finished images
 */
export async function zipOf(
  images: readonly BatchImage[],
  format: ArchiveFormat,
  { parameters, onProgress }: { parameters: DetectParameters; onProgress: (done: number) => void },
): Promise<Blob> {
  const parts: BlobPart[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    parts.push(new Blob([new Uint8Array(chunk)]));
  });
  add(zip, 'results.csv', strToU8(csvOf(images)));
  const names = new Set(['results.csv']);
  const succeeded = images.filter(({ state }) => state === 'done');
  let done = 0;
  const files = inParallel(succeeded, CONCURRENCY, async (image) => ({
    image,
    content: (await withApiKey(() => featureFile(image, format, parameters))).bytes,
  }));
  for await (const { image, content } of files) {
    add(zip, uniqueName(image.path, EXTENSIONS[format], names), content);
    done += 1;
    onProgress(done);
  }
  zip.end();
  return new Blob(parts, { type: 'application/zip' });
}

/** Text gets shorter by compression, features hardly. */
function add(zip: Zip, name: string, content: Uint8Array): void {
  const isText = /\.(csv|txt|key)$/.test(name);
  const entry = isText ? new ZipDeflate(name, { level: 6 }) : new ZipPassThrough(name);
  zip.add(entry);
  entry.push(content, true);
}

function uniqueName(path: string, extension: string, names: Set<string>): string {
  let name = `${path}.${extension}`;
  for (let copy = 2; names.has(name); copy += 1) name = `${path}.${copy}.${extension}`;
  names.add(name);
  return name;
}
