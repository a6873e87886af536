import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Path of the first of these programs that PATH has, without starting it. */
export function findExecutable(...names: readonly string[]): string | undefined {
  const directories = (process.env.PATH ?? '').split(path.delimiter).filter((directory) => directory !== '');
  return names
    .flatMap((name) => directories.map((directory) => path.join(directory, name)))
    .find((candidate) => isExecutable(candidate));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
