import { FEATURE_FILES, type FileFormat } from '../../shared/features/files.ts';

/** The whole of a view that may come in chunks. */
export function writeFeatureFile(
  format: FileFormat,
  payload: Uint8Array<ArrayBuffer>,
  { rootSift = false } = {},
): Uint8Array<ArrayBuffer> {
  const file = FEATURE_FILES[format].write(payload, { rootSift });
  if (file instanceof Uint8Array) return file;
  const chunks: Uint8Array[] = [];
  for (let next = file.next(); !next.done; next = file.next()) chunks.push(next.value);
  return new Uint8Array(Buffer.concat(chunks));
}
