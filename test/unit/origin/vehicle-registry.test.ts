import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ModelError } from '../../../origin/vehicles/model-error.ts';
import {
  promoted,
  type Registry,
  readRegistry,
  registered,
  rolledBack,
  writeRegistry,
} from '../../../origin/vehicles/registry.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'edgesift-registry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = (version: string) => ({
  version,
  file: `${version}/model.safetensors`,
  sha256: 'a'.repeat(64),
  bytes: 1,
  card: `${version}/MODEL_CARD.md`,
});
const registry: Registry = {
  models: [model('1'), model('2')],
  aliases: { champion: '1', challenger: '2' },
  history: [],
};

test('a challenger that is promoted leaves its place, and the champion can come back', () => {
  const after = promoted(registry, '2', 'champion');
  expect(after.aliases).toEqual({ champion: '2' });
  expect(registered(after, 'champion').version).toBe('2');
  expect(rolledBack(after)).toEqual({ ...registry, aliases: { champion: '1' } });
});

test('promoting the champion changes nothing', () => {
  expect(promoted(registry, '1', 'champion')).toEqual(registry);
});

test('what is not there is neither promoted nor found nor rolled back to', () => {
  expect(() => promoted(registry, '3', 'champion')).toThrow(ModelError);
  expect(() => registered({ ...registry, aliases: {} }, 'challenger')).toThrow(ModelError);
  expect(() => rolledBack(registry)).toThrow(ModelError);
});

test('a registry is read as it was written', async () => {
  await writeRegistry(folder, registry);
  expect(await readRegistry(folder)).toEqual(registry);
});

test.each(['../../etc/passwd', '/etc/passwd', '1/../../x', '1'])('the path %s is refused', async (file) => {
  writeFileSync(
    path.join(folder, 'registry.json'),
    JSON.stringify({ ...registry, models: [{ ...model('1'), file }] }),
  );
  await expect(readRegistry(folder)).rejects.toThrow(ModelError);
});
