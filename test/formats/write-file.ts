import { FEATURE_FILES, type FileFormat } from '../../shared/features/files.ts';
import { joinBytes } from '../fixtures/join-bytes.ts';

/** The whole of a view that may come in chunks. */
export function writeFeatureFile(
  format: FileFormat,
  payload: Uint8Array<ArrayBuffer>,
  { rootSift = false } = {},
): Uint8Array<ArrayBuffer> {
  const file = FEATURE_FILES[format].write(payload, { rootSift });
  return file instanceof Uint8Array ? file : joinBytes(file);
}
