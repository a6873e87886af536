import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { batchOf } from '../../batch.ts';
import { EXIT } from '../exit.ts';
import { findImages } from '../image-files.ts';
import { note, print, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type ClassifyOptions = ServiceOptions & { json?: boolean };

const EXAMPLES = `
Examples:
  edgesift classify car.jpg
  edgesift classify cars --json | jq '.data.predictions.make.predicted_value'`;

export function addClassifyCommand(program: Command): void {
  const command = program
    .command('classify')
    .summary('vehicles in images: make, model, type, colour, …')
    .description('Recognise the vehicle in each image. Shows every attribute with its confidence.')
    .argument('<images...>', 'files, folders or patterns')
    .option('--json', 'print the response for each image, one a line');
  withService(command)
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: ClassifyOptions) => {
      process.exitCode = await classify(operands, options);
    });
}

async function classify(operands: readonly string[], options: ClassifyOptions): Promise<number> {
  const client = connect(options);
  let code: number = EXIT.ok;
  const results = batchOf(await findImages(operands), {}, async ({ path }, upload) =>
    client.vehicles.classify(new Uint8Array(await readFile(path)), {}, upload),
  );
  for await (const { image, result, error } of results) {
    if (error?.code === 'CONNECTION_FAILED') throw error;
    if (error) {
      note(`✗ ${image.name}: ${error.code}: ${error.message}`);
      code = EXIT.someFailed;
    } else if (options.json) {
      printJson({ file: image.path, ...result });
    } else {
      const { predictions, is_vehicle } = result.data;
      print(`${image.name}${is_vehicle ? '' : ': no vehicle'}`);
      printTable(
        Object.values(predictions).map(({ attribute_name, predicted_value, confidence }) => [
          `  ${attribute_name}`,
          String(predicted_value),
          `${(100 * confidence).toFixed(1)} %`,
        ]),
      );
    }
  }
  return code;
}
