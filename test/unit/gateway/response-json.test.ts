import { expect, test } from 'vitest';
import { CommandError, type Reply } from '../../../gateway/backend.ts';
import { responseJson, responseListJson } from '../../../gateway/response-json.ts';

/** Longer than several pieces, with all that JSON escapes. */
const ascii = Buffer.from(Array.from({ length: 50_001 }, (_, index) => index % 128));
const binary = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919) % 256));
const umlauts = Buffer.from('ä'.repeat(30_000));
const read = (reply: Reply, base64 = false): unknown => JSON.parse(responseJson(reply, base64).toString());
const encoded = (text: string | Buffer) => Buffer.from(text).toString('base64');

test('a long reply is the text that it is, alone and among others', () => {
  expect(read(ascii)).toEqual({ result: ascii.toString() });
  expect(read(umlauts)).toEqual({ result: umlauts.toString() });
  const list = [ascii, null, Buffer.from('short ä'), 7, [umlauts, ascii], [], ''];
  const texts = [ascii.toString(), null, 'short ä', 7, [umlauts.toString(), ascii.toString()], [], ''];
  const pipeline = responseListJson([list, new CommandError('ERR no "such" key')], false).toString();
  expect(JSON.parse(pipeline)).toEqual([{ result: texts }, { error: 'ERR no "such" key' }]);
  expect(responseListJson([], false).toString()).toBe('[]');
});

test('in base64 every text is encoded, except a plain OK', () => {
  expect(read([binary, ascii, null, 'ä'], true)).toEqual({
    result: [encoded(binary), encoded(ascii), null, encoded('ä')],
  });
  for (const ok of ['OK', Buffer.from('OK')]) {
    expect(read(ok, true)).toEqual({ result: 'OK' });
    expect(read([ok], true)).toEqual({ result: [encoded('OK')] });
  }
  expect(read([new CommandError('ERR no')], true)).toEqual({ result: [encoded('ERR no')] });
});
