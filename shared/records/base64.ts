/** Base64 (RFC 4648, 4) as the platform does it fastest; Node 24 does not have `Uint8Array.fromBase64` yet. */
export interface Base64 {
  /** @returns the text in ASCII: as a string it would cost more than the encoding */
  encode(bytes: Uint8Array): Uint8Array;
  /** @throws anything for text that is not base64 */
  decode(text: string): Uint8Array<ArrayBuffer>;
}
