import { isAscii } from 'node:buffer';
import { CommandError, isOk, type Reply } from './backend.ts';

/**
 * Longer text is converted in pieces. A piece fits into V8's heap of young objects; a longer string gets memory pages of
 * its own, which cost more than the conversion. A multiple of 3, so that base64 is padded only at its end.
 */
const PIECE_BYTES = 12 * 1024;

/**
 * JSON of one response, `{"result": …}` or `{"error": …}`, in UTF-8.
 *
 * @param base64 for `Upstash-Encoding: base64`: every string except a plain OK is encoded
 */
export function responseJson(reply: Reply, base64: boolean): Buffer {
  return bytesOf(responsePieces(reply, base64));
}

/** JSON of a list of responses, in UTF-8. */
export function responseListJson(replies: readonly Reply[], base64: boolean): Buffer {
  return bytesOf(listPieces(replies, (reply) => responsePieces(reply, base64)));
}

function* responsePieces(reply: Reply, base64: boolean): Generator<string> {
  if (reply instanceof CommandError) {
    yield `{"error":${JSON.stringify(reply.message)}}`;
  } else if (isOk(reply)) {
    yield '{"result":"OK"}';
  } else {
    yield '{"result":';
    yield* replyPieces(reply, base64);
    yield '}';
  }
}

/** Inside a list OK is encoded too, and an error is its text: there the client takes every string for a value. */
function* replyPieces(reply: Reply, base64: boolean): Generator<string> {
  if (reply === null || typeof reply === 'number') yield JSON.stringify(reply);
  else if (reply instanceof CommandError) yield* textPieces(Buffer.from(reply.message), base64);
  else if (typeof reply === 'string') yield* textPieces(Buffer.from(reply), base64);
  else if (Buffer.isBuffer(reply)) yield* textPieces(reply, base64);
  else yield* listPieces(reply, (item) => replyPieces(item, base64));
}

function* listPieces(
  replies: readonly Reply[],
  piecesOf: (reply: Reply) => Iterable<string>,
): Generator<string> {
  yield '[';
  for (const [index, reply] of replies.entries()) {
    if (index > 0) yield ',';
    yield* piecesOf(reply);
  }
  yield ']';
}

function* textPieces(text: Buffer, base64: boolean): Generator<string> {
  // A piece could end within a character of several bytes.
  if (!base64 && !isAscii(text)) {
    yield JSON.stringify(text.toString());
    return;
  }
  yield '"';
  for (let at = 0; at < text.length; at += PIECE_BYTES) {
    const end = Math.min(at + PIECE_BYTES, text.length);
    yield base64
      ? text.toString('base64', at, end)
      : JSON.stringify(text.toString('latin1', at, end)).slice(1, -1);
  }
  yield '"';
}

/** Short pieces are put together first: each conversion has its cost. */
function bytesOf(pieces: Iterable<string>): Buffer {
  const parts: Buffer[] = [];
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < PIECE_BYTES) continue;
    parts.push(Buffer.from(text));
    text = '';
  }
  return Buffer.concat([...parts, Buffer.from(text)]);
}
