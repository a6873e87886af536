import { StorageError } from './storage.ts';

/** An object or a prefix in a storage. */
export interface ObjectLocation {
  kind: 'folder' | 's3';
  /** Name of the bucket; empty for a folder. */
  bucket: string;
  /** Key in the bucket; for a folder the absolute path without its first slash. */
  key: string;
}

/** An image on a web server. */
export interface WebLocation {
  kind: 'web';
  url: URL;
}

export type Location = ObjectLocation | WebLocation;

/** Names of buckets as S3 allows them; the dots of old ones included. */
const S3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s;
const LONGEST = 2048;

/**
 * Reads `s3://bucket/key`, `/absolute/path` or `https://…`. The first two are taken as they are: no character in them
 * is an escape.
 *
 * @throws StorageError `invalid`
 */
export function parseLocation(text: string): Location {
  if (text.length > LONGEST) throw invalid(text, `has more than ${LONGEST} characters`);
  if (text.startsWith('/')) return { kind: 'folder', bucket: '', key: text.slice(1) };
  const [matched, bucket = '', key = ''] = S3.exec(text) ?? [];
  if (matched !== undefined) return { kind: 's3', bucket, key };
  if (/^https:\/\//i.test(text)) return { kind: 'web', url: parseUrl(text) };
  throw invalid(text, 'is no s3://bucket/key, no absolute path and no https:// URL');
}

/** As {@link parseLocation}, but for what only a storage can hold. */
export function parseObjectLocation(text: string): ObjectLocation {
  const location = parseLocation(text);
  if (location.kind === 'web') throw invalid(text, 'is no s3://bucket/key and no absolute path');
  return location;
}

/** The text that {@link parseLocation} reads. */
export function locationText(location: Location): string {
  if (location.kind === 'web') return location.url.href;
  return location.kind === 's3' ? `s3://${location.bucket}/${location.key}` : `/${location.key}`;
}

/** The same place with a slash at its end, so that it is the prefix of what is in it and of nothing else. */
export function asFolder(location: ObjectLocation): ObjectLocation {
  const { key } = location;
  return key === '' || key.endsWith('/') ? location : { ...location, key: `${key}/` };
}

/** What is at this place inside a folder. */
export function inside(folder: ObjectLocation, name: string): ObjectLocation {
  return { ...folder, key: asFolder(folder).key + name };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url) throw invalid(text, 'is no URL');
  if (url.username !== '' || url.password !== '') throw invalid(text, 'holds credentials');
  return url;
}

function invalid(text: string, problem: string): StorageError {
  return new StorageError('invalid', `'${text.slice(0, 200)}' ${problem}.`);
}
