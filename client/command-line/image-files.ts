import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { glob } from 'tinyglobby';
import { UsageError } from './exit.ts';

export interface ImageFileOnDisk {
  /** Where it is, as the system takes it. */
  path: string;
  /** Its place below the folder or the pattern's fixed part, with `/`; names it in reports and below `--out`. */
  name: string;
}

const EXTENSIONS = 'jpg,jpeg,jpe,png,bmp,dib,tif,tiff,webp';
const WILDCARD = /[*?{[]/;
const IN_FOLDERS = `**/*.{${EXTENSIONS}}`;

/**
 * The images that arguments name, sorted by name: files, folders with all that is below them, and patterns.
 *
 * @throws UsageError for an argument that names nothing, and for two files of the same name
 */
export async function findImages(operands: readonly string[]): Promise<ImageFileOnDisk[]> {
  const found = await Promise.all(operands.map(imagesOf));
  const byName = new Map<string, ImageFileOnDisk>();
  for (const image of found.flat()) {
    const same = byName.get(image.name);
    if (same !== undefined && path.resolve(same.path) !== path.resolve(image.path)) {
      throw new UsageError(`${same.path} and ${image.path} would both be called ${image.name}.`);
    }
    byName.set(image.name, image);
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function imagesOf(operand: string): Promise<ImageFileOnDisk[]> {
  const kind = await stat(operand).catch(() => undefined);
  if (kind?.isDirectory()) return below(operand, IN_FOLDERS, `There are no images in ${operand}.`);
  if (kind) return [{ path: operand, name: nameOf(operand) }];
  if (!WILDCARD.test(operand)) throw new UsageError(`There is no file or folder ${operand}.`);
  const { folder, pattern } = splitPattern(operand);
  return below(folder, pattern, `No file matches ${operand}.`);
}

async function below(folder: string, pattern: string, complaint: string): Promise<ImageFileOnDisk[]> {
  const names = await glob(pattern, {
    cwd: folder,
    onlyFiles: true,
    caseSensitiveMatch: false,
    expandDirectories: false,
  });
  if (names.length === 0) throw new UsageError(complaint);
  return names.map((name) => ({ path: path.join(folder, name), name }));
}

/** A file outside of the working folder cannot keep its whole path below another one. */
function nameOf(file: string): string {
  const relative = path.relative('', file);
  const isBelow = !relative.startsWith('..') && !path.isAbsolute(relative);
  return (isBelow ? relative : path.basename(file)).replaceAll(path.sep, '/');
}

/**
 * Where the pattern's variable part begins: `photos/2026/*.jpg` is `*.jpg` in `photos/2026`. A folder that is there
 * under this very name, such as `photos [2026]`, is no pattern.
 */
function splitPattern(operand: string): { folder: string; pattern: string } {
  const parts = operand.split('/');
  const first = parts.findIndex(
    (part, index) => WILDCARD.test(part) && !existsSync(parts.slice(0, index + 1).join('/')),
  );
  const folder = parts.slice(0, first).join('/');
  return {
    folder: folder === '' ? (operand.startsWith('/') ? '/' : '.') : folder,
    pattern: parts.slice(first).join('/'),
  };
}
