/** Elements of a SIFT descriptor: 4×4 cells of 8 orientations (Lowe 2004, section 6.1). */
export const DESCRIPTOR_LENGTH = 128;

const ROWS_PER_CHUNK = 512;

/** The rows of `descriptors` U8[N,128] in views of bounded length: 90,000 rows in another form are tens of megabytes. */
export function* descriptorChunks(descriptors: Uint8Array): Generator<Uint8Array> {
  const length = ROWS_PER_CHUNK * DESCRIPTOR_LENGTH;
  for (let at = 0; at < descriptors.length; at += length) yield descriptors.subarray(at, at + length);
}
