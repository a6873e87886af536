import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Resp2Error, stringsOfReply } from '../../../edge/redis/resp2.ts';
import { responseResp2 } from '../../../gateway/response-resp2.ts';

const strings = fc.array(fc.option(fc.uint8Array({ maxLength: 300 })), { maxLength: 5 });

function replyOf(values: (Uint8Array | null)[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(responseResp2([values.map((value) => value && Buffer.from(value))]));
}

test('strings of any bytes come back as they are, each in a buffer of its own', () => {
  fc.assert(
    fc.property(strings, (values) => {
      const read = stringsOfReply(replyOf(values));
      expect(read.map((value) => value && [...value])).toEqual(values.map((value) => value && [...value]));
      for (const value of read) expect(value?.byteOffset ?? 0).toBe(0);
    }),
  );
});

test('a reply that is cut off anywhere, or goes on, is an error', () => {
  fc.assert(
    fc.property(strings, fc.nat(), (values, at) => {
      const reply = replyOf(values);
      expect(() => stringsOfReply(reply.slice(0, at % reply.length))).toThrow(Resp2Error);
      expect(() => stringsOfReply(new Uint8Array([...reply, 0]))).toThrow(Resp2Error);
    }),
  );
});

test('other replies and any bytes are an error, never a string', () => {
  for (const text of [
    '+OK\r\n',
    '-ERR no\r\n',
    ':1\r\n',
    '$1\r\na\r\n',
    '*1\r\n:1\r\n',
    '*1\r\n$1e3\r\n',
    '*-1\r\n',
    '*-2\r\n',
    '',
  ]) {
    expect(() => stringsOfReply(new TextEncoder().encode(text)), text).toThrow(Resp2Error);
  }
  fc.assert(
    fc.property(fc.uint8Array(), (tail) => {
      const reply = new Uint8Array([...new TextEncoder().encode('*1\r\n$'), ...tail]);
      const read = readOrError(reply);
      if (read instanceof Resp2Error) return;
      expect(replyOf(read)).toEqual(reply);
    }),
  );
});

function readOrError(reply: Uint8Array<ArrayBuffer>) {
  try {
    return stringsOfReply(reply);
  } catch (error) {
    if (error instanceof Resp2Error) return error;
    throw error;
  }
}
