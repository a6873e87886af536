import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file of the project, wherever the process was started. */
export function fromRoot(...parts: readonly string[]): string {
  return path.join(fileURLToPath(new URL('..', import.meta.url)), ...parts);
}
