import { type Command, Option } from 'commander';
import { EXIT } from '../exit.ts';
import {
  type ExtractionOptions,
  extractionFrom,
  withExtraction,
  withRootSift,
} from '../extraction-options.ts';
import { forEachImage } from '../for-each-image.ts';
import { findImages } from '../image-files.ts';
import { printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type DetectOptions = ServiceOptions &
  ExtractionOptions & { include?: 'summary' | 'keypoints' | 'all'; json?: boolean };

const EXAMPLES = `
Examples:
  edgesift detect photo.jpg
  edgesift detect photos --nfeatures 500 --json | jq -r '[.file, .keypoints] | @tsv'
  edgesift detect photo.jpg --include all --json > photo.json`;

export function addDetectCommand(program: Command): void {
  const command = program
    .command('detect')
    .summary('keypoints of images: how many, and whether they were cached')
    .description(
      'Find the keypoints of images. Shows for each image its size, the number of keypoints, and whether they were cached.',
    )
    .argument('<images...>', 'files, folders or patterns')
    .addOption(
      new Option('--include <what>', 'with --json: what the response contains besides the summary').choices([
        'summary',
        'keypoints',
        'all',
      ]),
    )
    .option('--json', 'print one line of JSON for each image: the response');
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
  const results = forEachImage(images, (bytes, upload) => client.detect(bytes, parameters, upload));
  for await (const { image, result } of results) {
    if (!result) {
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
