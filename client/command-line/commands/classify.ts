import { type Command, Option } from 'commander';
import type { ClassifyParameters, ClassifyResponse } from '../../contract.ts';
import { EXIT, UsageError } from '../exit.ts';
import { forEachImage } from '../for-each-image.ts';
import { findImages } from '../image-files.ts';
import { print, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type ClassifyOptions = ServiceOptions & {
  box?: string;
  include?: NonNullable<ClassifyParameters['include']>;
  json?: boolean;
};

const EXAMPLES = `
Examples:
  edgesift classify car.jpg
  edgesift classify street.jpg --box 60,120,520,280
  edgesift classify cars --json | jq -r '[.file, .data.class.predicted_value] | @tsv'`;

export function addClassifyCommand(program: Command): void {
  const command = program
    .command('classify')
    .summary('the vehicle in an image: make, model, type, colour, …')
    .description('Recognise the vehicle in each image. Shows every attribute with its calibrated confidence.')
    .argument('<images...>', 'files, folders or patterns')
    .option(
      '--box <x,y,width,height>',
      'where the vehicle is, in pixels of the upright image (default: the service searches for it)',
    )
    .addOption(
      new Option(
        '--include <what>',
        'with --json: explanation adds the evidence for the class, all also adds a thumbnail',
      ).choices(['summary', 'explanation', 'all']),
    )
    .option('--json', 'print one line of JSON for each image: the response');
  withService(command)
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: ClassifyOptions) => {
      process.exitCode = await classify(operands, options);
    });
}

const BOX = /^\d+,\d+,\d+,\d+$/;

async function classify(operands: readonly string[], options: ClassifyOptions): Promise<number> {
  const client = connect(options);
  const { box, include } = options;
  if (box !== undefined && !BOX.test(box)) {
    throw new UsageError('--box must be x,y,width,height in whole pixels, as 10,20,300,200.');
  }
  const parameters: ClassifyParameters = { ...(box !== undefined && { box }), ...(include && { include }) };
  let code: number = EXIT.ok;
  const results = forEachImage(await findImages(operands), (bytes, upload) =>
    client.vehicles.classify(bytes, parameters, upload),
  );
  for await (const { image, result } of results) {
    if (!result) code = EXIT.someFailed;
    else if (options.json) printJson({ file: image.path, ...result });
    else describe(image.name, result.data);
  }
  return code;
}

function describe(
  name: string,
  { predictions, is_vehicle, class: exact, warnings }: ClassifyResponse['data'],
): void {
  print(`${name}: ${is_vehicle ? (exact?.predicted_value ?? 'a vehicle') : 'no vehicle'}`);
  if (is_vehicle) {
    printTable(
      Object.values(predictions).map(({ attribute_name, predicted_value, confidence }) => [
        `  ${attribute_name}`,
        String(predicted_value),
        `${(100 * confidence).toFixed(1)} %`,
      ]),
    );
  }
  for (const { code, message } of warnings) if (code !== 'no_vehicle') print(`  ${code}: ${message}`);
}
