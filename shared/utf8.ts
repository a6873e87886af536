const encoder = new TextEncoder();

/** The types of Workers leave open what holds the bytes; by the Encoding Standard it is an `ArrayBuffer`. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}
