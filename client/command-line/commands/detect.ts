import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { batchOf } from '../../batch.ts';
import { EXIT } from '../exit.ts';
import {
  type ExtractionOptions,
  extractionFrom,
  withExtraction,
  withRootSift,
} from '../extraction-options.ts';
import { findImages } from '../image-files.ts';
import { note, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type DetectOptions = ServiceOptions &
  ExtractionOptions & { include?: 'summary' | 'keypoints' | 'all'; json?: boolean };

const EXAMPLES = `
Examples:
  edgesift detect photo.jpg
  edgesift detect *.jpg --nfeatures 500 --json | jq .keypoints
  edgesift detect photo.jpg --include all --json > photo.json`;

export function addDetectCommand(program: Command): void {
  const command = program
    .command('detect')
    .summary('keypoints of some images')
    .description('Find the keypoints of images, and show how many they are and whether they were cached.')
    .argument('<images...>', 'files, folders or patterns')
    .option('--include <what>', 'with --json: summary, keypoints or all')
    .option('--json', 'print the response for each image, one a line');
  withService(withRootSift(withExtraction(command)))
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: DetectOptions) => {
      process.exitCode = await detect(operands, options);
    });
}

async function detect(operands: readonly string[], options: DetectOptions): Promise<number> {
  const client = connect(options);
  const images = await findImages(operands);
  const parameters = { ...extractionFrom(options), include: options.include ?? 'summary' };
  const rows: (string | number)[][] = [];
  let code: number = EXIT.ok;
  const results = batchOf(images, {}, async ({ path }, upload) =>
    client.detect(new Uint8Array(await readFile(path)), parameters, upload),
  );
  for await (const { image, result, error } of results) {
    if (error?.code === 'CONNECTION_FAILED') throw error;
    if (error) {
      note(`✗ ${image.name}: ${error.code}: ${error.message}`);
      code = EXIT.someFailed;
    } else if (options.json) {
      printJson({ file: image.path, ...result });
    } else {
      const { keypoints, cached, processing_time_ms, image: file } = result;
      const size = `${file.width}×${file.height}`;
      const time = `${processing_time_ms.toFixed(1)} ms`;
      rows.push([
        image.name,
        size,
        keypoints,
        'keypoints',
        cached ? 'cached' : 'computed',
        time,
        file.sha256,
      ]);
    }
  }
  printTable(rows);
  return code;
}
