import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile } from '../../../tools/worker/replace-file.ts';

const SIZE = 4 << 20;

test('a reader of a file that several processes replace reads one of their contents, whole', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'edgesift-'));
  try {
    const file = path.join(folder, 'made', 'worker.js');
    const contents = ['a', 'b', 'c'].map((letter) => Buffer.alloc(SIZE, letter));
    await Promise.all(contents.map((content) => replaceFile(file, content)));
    let writing = true;
    const writers = contents.map(async (content) => {
      for (let i = 0; i < 10; i++) await replaceFile(file, content);
    });
    const written = Promise.all(writers).finally(() => {
      writing = false;
    });
    while (writing) {
      const read = await readFile(file);
      expect(contents.some((content) => content.equals(read))).toBe(true);
    }
    await written;
    expect(await readdir(path.dirname(file))).toEqual(['worker.js']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
