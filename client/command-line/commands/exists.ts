import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { sha256Hex } from '../../../shared/sha256.ts';
import { inParallel } from '../../concurrency.ts';
import { EXIT } from '../exit.ts';
import { type ExtractionOptions, extractionFrom, withExtraction } from '../extraction-options.ts';
import { fileErrorOf } from '../file-error.ts';
import { findImages, type ImageFileOnDisk } from '../image-files.ts';
import { note, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type ExistsOptions = ServiceOptions & ExtractionOptions & { json?: boolean };

const EXAMPLES = `
Examples:
  edgesift exists photos
  edgesift exists photos --json | jq -r 'select(.cached | not) | .file'`;

export function addExistsCommand(program: Command): void {
  const command = program
    .command('exists')
    .summary('which images have cached features')
    .description('Hash images and ask which of them have cached features. Sends no image.')
    .argument('<images...>', 'files, folders or patterns')
    .option('--json', 'print one line of JSON for each image');
  withService(withExtraction(command))
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: ExistsOptions) => {
      process.exitCode = await exists(operands, options);
    });
}

async function exists(operands: readonly string[], options: ExistsOptions): Promise<number> {
  const client = connect(options);
  const hashes = new Map<string, string>();
  let code: number = EXIT.ok;
  for await (const { image, sha256 } of inParallel(
    await findImages(operands),
    availableParallelism(),
    hash,
  )) {
    if (sha256 instanceof Error) {
      note(`✗ ${image.name}: ${sha256.message}`);
      code = EXIT.someFailed;
    } else hashes.set(image.path, sha256);
  }
  const cached = await client.exists(hashes.values(), extractionFrom(options));
  const images = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1));
  if (options.json) {
    for (const [file, sha256] of images) printJson({ file, sha256, cached: cached.has(sha256) });
  } else {
    printTable(images.map(([file, sha256]) => [file, cached.has(sha256) ? 'cached' : 'not cached', sha256]));
  }
  return code;
}

async function hash(image: ImageFileOnDisk): Promise<{ image: ImageFileOnDisk; sha256: string | Error }> {
  try {
    return { image, sha256: await sha256Hex(new Uint8Array(await readFile(image.path))) };
  } catch (error) {
    const fileError = fileErrorOf(error);
    if (!fileError) throw error;
    return { image, sha256: fileError };
  }
}
