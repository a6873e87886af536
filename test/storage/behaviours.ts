import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Storage, StorageFailure } from '../../origin/storage/storage.ts';

/** What every storage does, held against a real one. */
export function behavesAsStorage(open: () => { storage: Storage; prefix: string }): void {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const bytes = (content: string) => new TextEncoder().encode(content);
  const put = (key: string, content: string) => {
    const { storage, prefix } = open();
    return storage.put(prefix + key, bytes(content), 'text/plain');
  };
  const get = async (key: string, maxBytes = 1000) => {
    const { storage, prefix } = open();
    return text(await storage.get(prefix + key, { maxBytes }));
  };

  test('gives what was put, and puts over it', async () => {
    await put('a b/ü+1.txt', 'one');
    expect(await get('a b/ü+1.txt')).toBe('one');
    await put('a b/ü+1.txt', 'another');
    expect(await get('a b/ü+1.txt')).toBe('another');
    await put('empty', '');
    expect(await get('empty')).toBe('');
  });

  test('puts what is to be new only once', async () => {
    const { storage, prefix } = open();
    const putNew = (content: string) => storage.putNew(`${prefix}new`, bytes(content), 'text/plain');
    expect(await putNew('first')).toBe(true);
    expect(await putNew('second')).toBe(false);
    expect(await get('new')).toBe('first');
  });

  test('knows whether there is an object', async () => {
    const { storage, prefix } = open();
    await put('exists/there', 'one');
    expect(await storage.exists(`${prefix}exists/there`)).toBe(true);
    expect(await storage.exists(`${prefix}exists/not-there`)).toBe(false);
    expect(await storage.exists(`${prefix}exists`)).toBe(false);
  });

  test('never says that an object which is there is absent', async () => {
    const { storage, prefix } = open();
    await put('absent/b', 'one');
    const absent = await storage.absent(['absent/a', 'absent/b', 'absent/c'].map((key) => prefix + key));
    expect(absent.has(`${prefix}absent/b`)).toBe(false);
    expect(await storage.absent([])).toEqual(new Set());
  });

  test('refuses an object that is larger than wanted, and one that is not there', async () => {
    await put('large', 'x'.repeat(101));
    expect(await failureOf(get('large', 100))).toBe('too_large');
    expect(await get('large', 101)).toHaveLength(101);
    expect(await failureOf(get('nothing'))).toBe('not_found');
  });

  test('reads an object piece by piece', async () => {
    const { storage, prefix } = open();
    const content = 'abcdefgh'.repeat(200_000);
    await put('stream', content);
    let length = 0;
    let pieces = 0;
    for await (const chunk of storage.read(`${prefix}stream`)) {
      length += chunk.length;
      pieces += 1;
    }
    expect(length).toBe(content.length);
    expect(pieces).toBeGreaterThan(1);
  });

  test('lists what begins with a prefix, always in the same order', async () => {
    const { storage, prefix } = open();
    const names = ['list/b.jpg', 'list/a/2.jpg', 'list/a/1.jpg', 'list/c d.jpg', 'list2/x.jpg'];
    for (const name of names) await put(name, 'x');
    const list = async (folder: string) => {
      const keys: string[] = [];
      for await (const key of storage.list(prefix + folder)) keys.push(key.slice(prefix.length));
      return keys;
    };
    const listed = await list('list/');
    expect(listed.toSorted()).toEqual(names.slice(0, 4).toSorted());
    expect(await list('list/')).toEqual(listed);
    expect(await list('list/a/')).toEqual(['list/a/1.jpg', 'list/a/2.jpg']);
  });

  test('stops reading when it is aborted', async () => {
    const { storage, prefix } = open();
    await put('abort', 'x'.repeat(1_000_000));
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of storage.read(`${prefix}abort`, controller.signal)) {
        controller.abort(new Error('enough'));
        await sleep(10);
      }
    })();
    await expect(reading).rejects.toThrow('enough');
  });
}

/** How it fails; undefined when it does not fail as a storage does. */
export async function failureOf(work: Promise<unknown>): Promise<StorageFailure | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  return error instanceof Error && 'failure' in error ? (error.failure as StorageFailure) : undefined;
}
