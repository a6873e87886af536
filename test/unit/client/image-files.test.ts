import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageError } from '../../../client/command-line/exit.ts';
import { findImages } from '../../../client/command-line/image-files.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-images-'));
  for (const name of [
    'a.jpg',
    'b.PNG',
    'note.txt',
    '.hidden.jpg',
    'sub/c.tiff',
    'sub/deep/d.webp',
    'odd [2026]/e.jpg',
    'odd [2026]/f{1}.jpg',
    'other/a.jpg',
    'empty/note.txt',
  ]) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, name);
  }
  symlinkSync(path.join(folder, 'a.jpg'), path.join(folder, 'sub', 'link.jpg'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function namesOf(...operands: string[]): Promise<string[]> {
  return (await findImages(operands.map((operand) => path.join(folder, operand)))).map(({ name }) => name);
}

test('a folder means all images below it, in any case of the extension, without hidden ones', async () => {
  expect(await namesOf('sub')).toEqual(['c.tiff', 'deep/d.webp', 'link.jpg']);
  expect(await namesOf('')).toEqual([
    'a.jpg',
    'b.PNG',
    'odd [2026]/e.jpg',
    'odd [2026]/f{1}.jpg',
    'other/a.jpg',
    'sub/c.tiff',
    'sub/deep/d.webp',
    'sub/link.jpg',
  ]);
});

test('names of a pattern begin where it varies, and keep the folders below', async () => {
  expect(await namesOf('*.jpg')).toEqual(['a.jpg']);
  expect(await namesOf('sub/*.{tiff,png}')).toEqual(['c.tiff']);
  expect(await namesOf('sub/**/*.webp')).toEqual(['deep/d.webp']);
  expect(await namesOf('?.png')).toEqual(['b.PNG']);
});

test('files and folders whose names look like patterns are taken as they are', async () => {
  expect(await namesOf('odd [2026]')).toEqual(['e.jpg', 'f{1}.jpg']);
  expect(await namesOf('odd [2026]/f{1}.jpg')).toEqual(['f{1}.jpg']);
  expect(await namesOf('odd [2026]/*.jpg')).toEqual(['e.jpg', 'f{1}.jpg']);
});

test('an image that several arguments name comes once; two of one name are refused', async () => {
  expect(await namesOf('sub', 'sub/*.tiff')).toEqual(['c.tiff', 'deep/d.webp', 'link.jpg']);
  await expect(namesOf('a.jpg', 'other')).rejects.toThrow(/would both be called a\.jpg/);
});

test('an argument that names nothing is a mistake in the command, and is named', async () => {
  for (const operand of ['missing.jpg', 'missing', 'missing/*.jpg', 'sub/*.bmp', 'empty']) {
    const failure = namesOf(operand);
    await expect(failure, operand).rejects.toBeInstanceOf(UsageError);
    await expect(failure, operand).rejects.toThrow(operand);
  }
});
