import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { sha256Hex } from '../../../shared/sha256.ts';
import { inParallel } from '../../concurrency.ts';
import { type ExtractionOptions, extractionFrom, withExtraction } from '../extraction-options.ts';
import { findImages } from '../image-files.ts';
import { printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type ExistsOptions = ServiceOptions & ExtractionOptions & { json?: boolean };

const EXAMPLES = `
Examples:
  edgesift exists photos
  edgesift exists photos --json | jq -r 'select(.cached | not) | .file'`;

export function addExistsCommand(program: Command): void {
  const command = program
    .command('exists')
    .summary('which images have their features cached')
    .description('Hash images and ask which of them have their features cached. Sends no image.')
    .argument('<images...>', 'files, folders or patterns')
    .option('--json', 'print a line of JSON for each image');
  withService(withExtraction(command))
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: ExistsOptions) => exists(operands, options));
}

async function exists(operands: readonly string[], options: ExistsOptions): Promise<void> {
  const client = connect(options);
  const hashes = new Map<string, string>();
  const hashing = inParallel(await findImages(operands), availableParallelism(), async ({ path, name }) => ({
    name,
    sha256: await sha256Hex(new Uint8Array(await readFile(path))),
  }));
  for await (const { name, sha256 } of hashing) hashes.set(name, sha256);
  const cached = await client.exists(hashes.values(), extractionFrom(options));
  const images = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1));
  if (options.json) {
    for (const [file, sha256] of images) printJson({ file, sha256, cached: cached.has(sha256) });
    return;
  }
  printTable(images.map(([name, sha256]) => [name, cached.has(sha256) ? 'cached' : 'not cached', sha256]));
}
