import { expect, test } from 'vitest';
import { NODE_BASE64 } from '../../../origin/cache/node-base64.ts';

const PIECE = 12 * 1024;

test.each([0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 2])(
  '%i bytes as base64 and back',
  (length) => {
    // A view that begins inside its buffer, as a part of a payload does.
    const bytes = Uint8Array.from({ length: length + 5 }, (_, index) => (index * 7919) % 251).subarray(5);
    const text = Buffer.from(NODE_BASE64.encode(bytes)).toString('latin1');
    expect(text).toBe(Buffer.from(bytes).toString('base64'));
    expect(Buffer.compare(NODE_BASE64.decode(text), bytes)).toBe(0);
  },
);
