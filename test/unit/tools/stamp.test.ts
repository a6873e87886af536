import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashInputs, Stamp } from '../../../tools/set-up/stamp.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'stamp-'));
  mkdirSync(path.join(directory, 'sources', 'inner'), { recursive: true });
  write('sources/a.cpp', 'int a;');
  write('sources/inner/b.cpp', 'int b;');
});
afterEach(() => rmSync(directory, { recursive: true }));

test.each<[string, () => void]>([
  ['a file is edited', () => write('sources/inner/b.cpp', 'int c;')],
  ['a file is added', () => write('sources/c.cpp', '')],
  ['a file is removed', () => rmSync(path.join(directory, 'sources', 'a.cpp'))],
  ['content moves to another file', () => swap('sources/a.cpp', 'int b;', 'sources/inner/b.cpp', 'int a;')],
])('is out of date when %s', (_what, change) => {
  const stamp = new Stamp(path.join(directory, 'build', 'stamp'));
  stamp.write(inputs());
  expect(stamp.matches(inputs())).toBe(true);
  change();
  expect(stamp.matches(inputs())).toBe(false);
});

test('is out of date when a version changes, or when a build was begun and not finished', () => {
  const stamp = new Stamp(path.join(directory, 'build', 'stamp'));
  stamp.write(inputs('4.6.0'));
  expect(stamp.matches(inputs('4.10.0'))).toBe(false);
  expect(stamp.matches(inputs('4.6.0'))).toBe(true);
  stamp.clear();
  expect(stamp.matches(inputs('4.6.0'))).toBe(false);
});

function inputs(...versions: string[]): string {
  return hashInputs(path.join(directory, 'sources'), ...versions);
}

function write(file: string, content: string): void {
  writeFileSync(path.join(directory, file), content);
}

function swap(first: string, firstContent: string, second: string, secondContent: string): void {
  write(first, firstContent);
  write(second, secondContent);
}
