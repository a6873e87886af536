import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * The license texts of packages that are part of a bundle.
 *
 * @param inputs paths of the bundled files, relative to `root`
 * @throws Error for a package without a license file
 */
export async function thirdPartyNotices(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  const notices = await Promise.all(
    [...folders].sort().map(async (folder) => {
      const names = await readdir(path.join(root, folder));
      const license = names.find((name) => /^licen[cs]e/i.test(name));
      if (license === undefined) throw new Error(`${folder} has no license file`);
      const text = await readFile(path.join(root, folder, license), 'utf8');
      return `${path.posix.relative('node_modules', folder)}\n\n${text.trim()}\n`;
    }),
  );
  return ['The command line contains these packages.\n', ...notices].join(`\n${'-'.repeat(80)}\n\n`);
}

/** As in `node_modules/@scope/name`, of nested packages the innermost. */
function packageFolder(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}
