import { randomUUID } from 'node:crypto';

/**
 * A multiple of 3 for base64. The text of a piece fits into V8's heap of young objects: long strings get pages of their
 * own, which takes 50 times as long as the encoding.
 */
const PIECE_BYTES = 12 * 1024;
/** Stands for a long text in JSON, and never leaves this process. */
const PLACEHOLDER = randomUUID();

/** A long reply that never becomes one string. */
export class LongText {
  readonly #bytes: Buffer;
  readonly #base64: boolean;

  /** @param bytes ASCII, or anything if `base64`, as which it is then written */
  constructor(bytes: Buffer, base64: boolean) {
    this.#bytes = bytes;
    this.#base64 = base64;
  }

  toJSON(): string {
    written.push(this);
    return PLACEHOLDER;
  }

  /** JSON of this text, quotation marks included, in pieces. */
  *pieces(): Generator<string> {
    yield '"';
    for (let at = 0; at < this.#bytes.length; at += PIECE_BYTES) {
      const [from, to] = [at, Math.min(at + PIECE_BYTES, this.#bytes.length)];
      if (this.#base64) yield this.#bytes.toString('base64', from, to);
      else yield JSON.stringify(this.#bytes.toString('latin1', from, to)).slice(1, -1);
    }
    yield '"';
  }
}

/** Those that `JSON.stringify` has come to, in its order. */
let written: LongText[] = [];

/** As UTF-8. */
export function toJson(value: unknown): Buffer {
  written = [];
  const json = JSON.stringify(value);
  if (written.length === 0) return Buffer.from(json);
  const [first = '', ...others] = json.split(`"${PLACEHOLDER}"`);
  const parts = [Buffer.from(first)];
  for (const [index, text] of written.entries()) {
    for (const piece of text.pieces()) parts.push(Buffer.from(piece, 'latin1'));
    parts.push(Buffer.from(others[index] ?? ''));
  }
  return Buffer.concat(parts);
}
