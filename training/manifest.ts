import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';

/** Columns of a manifest that are learned, by the attribute's name in the service. */
const COLUMNS: Record<string, readonly string[]> = {
  class: ['class', 'class_name'],
  make: ['make'],
  model: ['model'],
  type: ['type', 'body_type'],
  color: ['color', 'colour'],
  decade: ['decade'],
  country: ['country'],
  condition: ['condition'],
  stock_or_moded: ['stock_or_moded'],
  functional_utility: ['functional_utility'],
};
export type Attribute = keyof typeof COLUMNS;

export const ATTRIBUTES = Object.keys(COLUMNS);

const IMAGE = /\.(jpe?g|png|bmp|tiff?|webp)$/i;

export interface LabelledImage {
  /** Relative to the data folder; with slashes. */
  file: string;
  /** By attribute; one that is not labelled is absent. */
  labels: Partial<Record<Attribute, string>>;
}

/**
 * The images of a data folder: those in its `manifest.csv` (first line: `file` and any of the columns above), or
 * without one, those in `<attribute>/<label>/…`, or in `<label>/…` where `attribute` is given. Sorted by file.
 *
 * @throws Error that says what is wrong with the folder
 */
export async function readImages(folder: string, attribute?: string): Promise<LabelledImage[]> {
  const manifest = await readFile(path.join(folder, 'manifest.csv'), 'utf8').catch(() => undefined);
  const images = manifest === undefined ? await fromFolders(folder, attribute) : fromManifest(manifest);
  if (images.length === 0) throw new Error(`${folder} holds no labelled images`);
  return images.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}

function fromManifest(text: string): LabelledImage[] {
  const [header = [], ...rows]: string[][] = parse(text, {
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const fileColumn = header.indexOf('file');
  if (fileColumn < 0) throw new Error('manifest.csv has no column "file"');
  const columns = ATTRIBUTES.map((attribute) => ({
    attribute,
    at: header.findIndex((name) => COLUMNS[attribute]?.includes(name)),
  })).filter(({ at }) => at >= 0);
  if (columns.length === 0) throw new Error(`manifest.csv labels none of ${ATTRIBUTES.join(', ')}`);
  return rows
    .map((row) => ({
      file: row[fileColumn] ?? '',
      labels: Object.fromEntries(
        columns.map(({ attribute, at }) => [attribute, row[at] ?? '']).filter(([, label]) => label !== ''),
      ),
    }))
    .filter(({ file, labels }) => file !== '' && Object.keys(labels).length > 0);
}

async function fromFolders(folder: string, attribute: string | undefined): Promise<LabelledImage[]> {
  const files = await imagesBelow(folder);
  return files.flatMap((file) => {
    const parts = file.split('/');
    const [first = '', second = ''] = parts;
    if (attribute !== undefined) return parts.length > 1 ? [{ file, labels: { [attribute]: first } }] : [];
    return parts.length > 2 && ATTRIBUTES.includes(first) ? [{ file, labels: { [first]: second } }] : [];
  });
}

/** Image files in a folder and below it, sorted, relative to it, with slashes. */
export async function imagesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => IMAGE.test(name))
    .map((name) => name.split(path.sep).join('/'))
    .sort();
}
