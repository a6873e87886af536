import { CommandError, isOk, type Reply } from './backend.ts';

/**
 * Replies in RESP2, Redis' protocol, one after the other: for `Upstash-Response-Format: resp2`. A stored `OK` cannot be told from
 * the status of that name, as in JSON.
 */
export function responseResp2(replies: readonly Reply[]): Buffer {
  return Buffer.concat(replies.flatMap((reply) => (isOk(reply) ? line('+OK') : [...piecesOf(reply)])));
}

function* piecesOf(reply: Reply): Generator<Buffer> {
  if (reply === null) yield line('$-1');
  else if (typeof reply === 'number') yield line(`:${reply}`);
  else if (typeof reply === 'string') yield* piecesOf(Buffer.from(reply));
  else if (reply instanceof CommandError) yield line(`-${reply.message.replaceAll(/[\r\n]/g, ' ')}`);
  else if (Buffer.isBuffer(reply)) yield* [line(`$${reply.length}`), reply, line('')];
  else {
    yield line(`*${reply.length}`);
    for (const item of reply) yield* piecesOf(item);
  }
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`);
}
