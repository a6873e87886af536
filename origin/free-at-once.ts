/**
 * Frees the whole ArrayBuffer of a view that nothing uses any more. V8 counts its bytes as memory in use until it
 * collects them: for some megabytes it would collect every few images.
 */
export function freeAtOnce({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
