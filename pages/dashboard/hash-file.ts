import { hashOf } from '../../client/image.ts';

/** SHA-256 of a file; undefined on pages that did not come over HTTPS or from localhost. */
export async function hashOfFile(file: Blob): Promise<string | undefined> {
  return hashOf(new Uint8Array(await file.arrayBuffer()));
}
