import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));
const lock = z
  .object({
    version: z.string(),
    packages: z.record(
      z.string(),
      z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() }),
    ),
  })
  .parse(JSON.parse(read('package-lock.json')));

/** Where Node.js looks for a package that the package at `location` of the lock imports. */
function candidates(location: string, name: string): string[] {
  const parts = location.split('/node_modules/');
  return parts.map((_, index) =>
    [...parts.slice(0, parts.length - index), name].join('/node_modules/').replace(/^\//, ''),
  );
}

test('package-lock.json holds the packages of every platform, as `npm ci` demands', () => {
  const missing = Object.entries(lock.packages).flatMap(([location, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        ![...candidates(location, name), `node_modules/${name}`].some((place) => place in lock.packages),
    ),
  );
  // Mend it with `npm install --package-lock-only --ignore-scripts`, or, where the registry has no such package, by an
  // override in package.json of the package that needs it.
  expect(missing).toEqual([]);
});

test('package-lock.json and the changelog follow the version in package.json', () => {
  expect(lock.version).toBe(version);
  expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')} - `, 'm'));
});
