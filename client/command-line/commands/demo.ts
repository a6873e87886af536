import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { EdgesiftClient } from '../../client.ts';
import { EXIT } from '../exit.ts';
import { reportFailure } from '../for-each-image.ts';
import { findImages } from '../image-files.ts';
import { printJson, printTable } from '../output.ts';
import { connect, readNumber, type ServiceOptions, withService } from '../service.ts';

type DemoOptions = ServiceOptions & { runs: string; json?: boolean };

const EXAMPLES = `
Examples:
  edgesift demo photo.jpg
  edgesift demo photos --runs 20`;

export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .summary('compare the time of a first request with cached ones')
    .description(
      'Measure how long a first request takes for each image, and how long the same request takes from the cache. ' +
        'The first request is never cached: its sigma differs from the default after the eighth decimal place.',
    )
    .argument('<images...>', 'files, folders or patterns')
    .option('--runs <number>', 'number of cached requests for each image; the table shows their median', '5')
    .option('--json', 'print one line of JSON for each image');
  withService(command)
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: DemoOptions) => {
      process.exitCode = await demo(operands, options);
    });
}

interface Measurement {
  file: string;
  keypoints: number;
  first_ms: number;
  cached_ms: number;
  speed_up: number;
}

async function demo(operands: readonly string[], options: DemoOptions): Promise<number> {
  const client = connect(options);
  const runs = readNumber('--runs', options.runs, 1, 10_000);
  const images = await findImages(operands);
  const measurements: Measurement[] = [];
  let code: number = EXIT.ok;
  // One after the other: they would slow each other down.
  for (const image of images) {
    try {
      const bytes = new Uint8Array(await readFile(image.path));
      measurements.push({ file: image.name, ...(await measure(client, bytes, runs)) });
    } catch (error) {
      reportFailure(image, error);
      code = EXIT.someFailed;
    }
  }
  if (options.json) for (const measurement of measurements) printJson(measurement);
  else if (measurements.length > 0) showTable(measurements);
  return code;
}

function showTable(measurements: readonly Measurement[]): void {
  printTable([
    ['image', 'keypoints', 'first', 'cached', 'speed-up'],
    ...measurements.map(({ file, keypoints, first_ms, cached_ms, speed_up }) => [
      file,
      keypoints,
      `${first_ms.toFixed(1)} ms`,
      `${cached_ms.toFixed(1)} ms`,
      `${speed_up.toFixed(1)}×`,
    ]),
  ]);
}

/** Times as this client sees them, in milliseconds; of the cached requests the median. */
async function measure(client: EdgesiftClient, bytes: Uint8Array<ArrayBuffer>, runs: number) {
  const parameters = { sigma: 1.6 + Math.random() * 1e-9 };
  const time = async (options: { hashFirst: boolean }) => {
    const begun = performance.now();
    const { keypoints } = await client.detect(bytes, parameters, options);
    return { keypoints, ms: performance.now() - begun };
  };
  const { keypoints, ms: first_ms } = await time({ hashFirst: false });
  const cached: number[] = [];
  for (let run = 0; run < runs; run += 1) cached.push((await time({ hashFirst: true })).ms);
  cached.sort((a, b) => a - b);
  const cached_ms = cached[cached.length >> 1] ?? first_ms;
  return { keypoints, first_ms, cached_ms, speed_up: first_ms / cached_ms };
}
