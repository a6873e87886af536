import { expect, test } from 'vitest';
import { CommandError } from '../../../gateway/backend.ts';
import { toJson } from '../../../gateway/long-text.ts';
import { toResponse } from '../../../gateway/protocol.ts';

/** Longer than several pieces, with all that JSON escapes. */
const ascii = Buffer.from(Array.from({ length: 50_001 }, (_, index) => index % 128));
const binary = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919) % 256));
const umlauts = Buffer.from('ä'.repeat(30_000));
const read = (value: unknown): unknown => JSON.parse(toJson(value).toString());

test('a long reply is the text that it is, alone and among others', () => {
  expect(read(toResponse(ascii, false))).toEqual({ result: ascii.toString() });
  expect(read(toResponse(umlauts, false))).toEqual({ result: umlauts.toString() });
  const list = [ascii, null, Buffer.from('short ä'), 7, [umlauts, ascii]];
  const texts = [ascii.toString(), null, 'short ä', 7, [umlauts.toString(), ascii.toString()]];
  const pipeline = [toResponse(list, false), toResponse(new CommandError('ERR no'), false)];
  expect(read(pipeline)).toEqual([{ result: texts }, { error: 'ERR no' }]);
});

test('a long reply as base64', () => {
  const [first, second] = [binary.toString('base64'), ascii.toString('base64')];
  expect(read(toResponse([binary, ascii, null], true))).toEqual({ result: [first, second, null] });
});
