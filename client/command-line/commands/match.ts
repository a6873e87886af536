import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { MatchResponse } from '../../contract.ts';
import { writeWhole } from '../batch/whole-file.ts';
import { drawMatches } from '../drawing/draw-matches.ts';
import { UsageError } from '../exit.ts';
import { type ExtractionOptions, extractionFrom, withExtraction } from '../extraction-options.ts';
import { fileErrorOf } from '../file-error.ts';
import { note, print, printJson } from '../output.ts';
import { connect, readNumber, type ServiceOptions, withService } from '../service.ts';

type MatchOptions = ServiceOptions &
  ExtractionOptions & {
    model: 'homography' | 'fundamental';
    ratio?: string;
    threshold?: string;
    draw?: string;
    json?: boolean;
  };

const EXAMPLES = `
Examples:
  edgesift match left.jpg right.jpg
  edgesift match left.jpg right.jpg --draw matches.png
  edgesift match left.jpg right.jpg --model fundamental --json`;

export function addMatchCommand(program: Command): void {
  const command = program
    .command('match')
    .summary('matches between two images, and their geometry')
    .description(
      'Match the features of two images, and estimate the homography or the fundamental matrix between them.',
    )
    .argument('<image1>', 'image file')
    .argument('<image2>', 'image file')
    .addOption(
      new Option(
        '--model <model>',
        'homography: a flat scene or a camera that only turns; fundamental: a scene with depth',
      )
        .choices(['homography', 'fundamental'])
        .default('homography'),
    )
    .option('--ratio <number>', 'maximum ratio of the nearest to the second nearest distance (default: 0.75)')
    .option('--threshold <pixels>', 'maximum error of an inlier (default: 2)')
    .option('--draw <file.png>', 'draw both images side by side, with their matches; for JPEG and PNG images')
    .option('--json', 'print the JSON response');
  withService(withExtraction(command))
    .addHelpText('after', EXAMPLES)
    .action(async (image1: string, image2: string, options: MatchOptions) => match(image1, image2, options));
}

async function match(image1: string, image2: string, options: MatchOptions): Promise<void> {
  const client = connect(options);
  const { root_sift: _rootSift, include: _include, format: _format, ...extraction } = extractionFrom(options);
  const [left, right] = await Promise.all([readImage(image1), readImage(image2)]);
  const response = await client.match(left, right, {
    ...extraction,
    model: options.model,
    ...(options.ratio !== undefined && { ratio: readNumber('--ratio', options.ratio, 0.1, 1) }),
    ...(options.threshold !== undefined && {
      threshold: readNumber('--threshold', options.threshold, 0.1, 100),
    }),
    ...(options.draw !== undefined && { include: 'all' }),
  });
  if (options.draw !== undefined) {
    await writeWhole(options.draw, drawMatches(left, right, response, options.orientation ?? 'apply'));
    note(`Drawn in ${options.draw}.`);
  }
  if (options.json) printJson(response);
  else describe(response);
}

async function readImage(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    const fileError = fileErrorOf(error);
    throw fileError ? new UsageError(`${file} cannot be read: ${fileError.message}.`) : error;
  }
}

function describe(response: MatchResponse): void {
  const { matches, inliers, images, reason } = response;
  print(`keypoints  ${images.map(({ keypoints }) => keypoints).join(' and ')}`);
  print(`matches    ${matches}`);
  print(`inliers    ${inliers}`);
  const geometry = response.homography ?? response.fundamental;
  if (!geometry) {
    print(`No ${response.model}: ${reason?.replaceAll('_', ' ')}.`);
    return;
  }
  print(`error      ${geometry.median_reprojection_error.toFixed(3)} px (median of the inliers)`);
  print(response.model);
  for (const row of geometry.matrix)
    print(`  ${row.map((value) => value.toPrecision(7).padStart(14)).join(' ')}`);
}
