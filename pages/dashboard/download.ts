import { make } from './element.ts';

/** Saves a file on the user's machine. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  make('a', { href: url, download: name }).click();
  // The browser reads the content after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** `photo.of.me.jpg` → `photo.of.me` */
export function baseName(name: string): string {
  return name.replace(/\.[^./\\]+$/, '');
}
