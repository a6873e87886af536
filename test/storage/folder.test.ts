import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FolderStorage } from '../../origin/storage/folder.ts';
import { behavesAsStorage, failureOf } from './behaviours.ts';

let directory: string;
let root: string;
let storage: FolderStorage;
const key = (name: string) => `${root.slice(1)}/${name}`;
const get = (name: string) => storage.get(name, { maxBytes: 100 });

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'edgesift-folder-'));
  root = path.join(directory, 'root');
  await mkdir(root);
  await writeFile(path.join(directory, 'secret'), 'secret');
  storage = new FolderStorage([root]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

behavesAsStorage(() => ({ storage, prefix: key('behaviours/') }));

test('refuses every path outside its roots', async () => {
  await symlink(path.join(directory, 'secret'), path.join(root, 'link'));
  await symlink(directory, path.join(root, 'up'));
  expect(await failureOf(get(`${directory.slice(1)}/secret`))).toBe('forbidden');
  expect(await failureOf(get(`${directory.slice(1)}/root-2/x`))).toBe('forbidden');
  expect(await failureOf(get('etc/passwd'))).toBe('forbidden');
  expect(await failureOf(get(key('link')))).toBe('forbidden');
  expect(await failureOf(get(key('up/secret')))).toBe('forbidden');
  expect(await failureOf(get(key('../secret')))).toBe('invalid');
  expect(await failureOf(get(key('a\0b')))).toBe('invalid');
  expect(await failureOf(storage.put(key('up/new/file'), new Uint8Array(1)))).toBe('forbidden');
});

test('does not list what is unfinished or linked', async () => {
  await mkdir(path.join(root, 'listing'));
  await writeFile(path.join(root, 'listing', '.0e5d0c3e-6f0c-4b57-9a55-cf2a4f6d8c11.part'), 'half');
  await writeFile(path.join(root, 'listing', 'whole'), 'whole');
  await symlink(directory, path.join(root, 'listing', 'linked'));
  const keys = await Array.fromAsync(storage.list(key('listing/')));
  expect(keys).toEqual([key('listing/whole')]);
});

test.skipIf(process.platform === 'win32')('does not wait for pipes or read sockets', async () => {
  execFileSync('mkfifo', [path.join(root, 'pipe')]);
  const server = createServer().listen(path.join(root, 'socket'));
  try {
    for (const name of ['pipe', 'socket']) {
      expect(await failureOf(get(key(name)))).toBe('invalid');
      expect(await failureOf(Array.fromAsync(storage.read(key(name))))).toBe('invalid');
    }
  } finally {
    server.close();
  }
});

test('leaves nothing behind when it cannot write', async () => {
  await mkdir(path.join(root, 'full', 'name'), { recursive: true });
  // A folder has that name already.
  expect(await failureOf(storage.put(key('full/name'), new Uint8Array(10)))).toBe('invalid');
  expect(await readdir(path.join(root, 'full'))).toEqual(['name']);
  await writeFile(path.join(root, 'file'), '');
  expect(await failureOf(storage.put(key('file/below'), new Uint8Array(10)))).toBeDefined();
});
