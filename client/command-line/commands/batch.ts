import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { DetectParameters } from '../../contract.ts';
import { FEATURE_EXTENSIONS, keypointsIn } from '../batch/feature-text.ts';
import { ServiceUnreachable } from '../batch/pacer.ts';
import { Progress } from '../batch/progress.ts';
import { outputPath, runBatch, type Store } from '../batch/run-batch.ts';
import { type ImageOutcome, StateFile } from '../batch/state-file.ts';
import { type BatchTotals, totalsText } from '../batch/totals.ts';
import { writeWhole } from '../batch/whole-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import {
  type ExtractionOptions,
  extractionFrom,
  withExtraction,
  withRootSift,
} from '../extraction-options.ts';
import { findImages, type ImageFileOnDisk } from '../image-files.ts';
import { interruption } from '../interruption.ts';
import { note, print, printJson } from '../output.ts';
import { connect, readNumber, type ServiceOptions, withService } from '../service.ts';

type BatchCommandOptions = ServiceOptions &
  ExtractionOptions & {
    out?: string;
    format: NonNullable<DetectParameters['format']>;
    include?: 'summary' | 'keypoints' | 'all';
    state?: string;
    restart?: boolean;
    retryFailed?: boolean;
    report?: string;
    concurrency: string;
    patience: string;
    json?: boolean;
    quiet?: boolean;
  };

const EXAMPLES = `
Examples:
  edgesift batch photos --out features
  edgesift batch 'photos/**/*.jpg' --out features --format npz --nfeatures 2000 --root-sift
  edgesift batch photos --out features --retry-failed --report report.jsonl

A run that was interrupted goes on where it was when the same command is given again.`;

const MOST_FAILURES_SHOWN = 20;

export function addBatchCommand(program: Command): void {
  const command = program
    .command('batch')
    .summary('features of many images, into a folder')
    .description('Extract the features of all images in folders, and write a file for each.')
    .argument('<images...>', 'folders, files or patterns')
    .option('-o, --out <folder>', "where the files go, in folders like the images' own")
    .addOption(
      new Option('-f, --format <format>', 'of the files')
        .choices(['safetensors', 'npz', 'colmap', 'key', 'json'])
        .default('safetensors'),
    )
    .addOption(
      new Option('--include <what>', 'what JSON files hold').choices(['summary', 'keypoints', 'all']),
    )
    .option('--state <file>', 'memory of the run (default: .edgesift-state.jsonl in --out)')
    .option('--restart', 'forget the state and do everything again')
    .option('--retry-failed', 'take only the images that failed before')
    .option('--report <file>', 'write a line of JSON for each image')
    .option('-c, --concurrency <number>', 'most images that are sent at the same time', '8')
    .option('--patience <seconds>', 'how long to wait for a service that does not respond', '300')
    .option('--json', 'print the totals as JSON')
    .option('-q, --quiet', 'no progress');
  withService(withRootSift(withExtraction(command)))
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: BatchCommandOptions) => {
      process.exitCode = await batch(operands, options);
    });
}

async function batch(operands: readonly string[], options: BatchCommandOptions): Promise<number> {
  const { out, format, include } = options;
  if (out === undefined) throw new UsageError('batch needs --out.');
  const concurrency = readNumber('--concurrency', options.concurrency, 1, 64);
  const patienceMs = 1000 * readNumber('--patience', options.patience, 1, 86_400);
  const client = connect(options, { retries: 0 });
  const parameters = { ...extractionFrom(options), ...(include && { include }) };
  const images = await findImages(operands);

  const stateFile = options.state ?? path.join(out, '.edgesift-state.jsonl');
  const state = StateFile.open(stateFile, { format, parameters }, options.restart ?? false);
  try {
    await client.health();
    const { selected, earlier } = await selectImages(images, state, options.retryFailed ?? false);
    const totals = {
      images: images.length,
      computed: 0,
      cached: 0,
      earlier,
      failed: 0,
      left: selected.length,
    };
    const interrupted = interruption();
    const progress = new Progress(selected.length, (options.quiet ?? false) || (options.json ?? false));
    const failures: ImageOutcome[] = [];
    let code: number = EXIT.ok;
    try {
      const run = { client, parameters, format, concurrency, patienceMs, signal: interrupted };
      for await (const outcome of runBatch(selected, { ...run, store: storeIn(out, format) })) {
        state.add(outcome);
        totals[outcome.status] += 1;
        totals.left -= 1;
        if (outcome.status === 'failed') failures.push(outcome);
        progress.update(totals);
      }
      if (failures.length > 0) code = EXIT.someFailed;
    } catch (error) {
      if (error instanceof ServiceUnreachable) code = EXIT.unreachable;
      else if (interrupted.aborted) code = EXIT.interrupted;
      else throw error;
    } finally {
      progress.stop();
    }
    if (options.report !== undefined) await writeReport(options.report, images, state);
    tell(totals, failures, options.json ?? false);
    if (code === EXIT.unreachable)
      note('✗ The service cannot be reached. The same command goes on from here.');
    return code;
  } finally {
    state.close();
  }
}

function storeIn(folder: string, format: BatchCommandOptions['format']): Store {
  return async (name, { bytes }) => {
    const output = outputPath(folder, name, FEATURE_EXTENSIONS[format]);
    await writeWhole(output, bytes);
    const keypoints = keypointsIn(format, bytes);
    return { output, ...(keypoints !== undefined && { keypoints }) };
  };
}

/** Leaves out what an earlier run has done, unless the image has changed or its file is gone. */
async function selectImages(
  images: readonly ImageFileOnDisk[],
  state: StateFile,
  retryFailed: boolean,
): Promise<{ selected: ImageFileOnDisk[]; earlier: number }> {
  const selected: ImageFileOnDisk[] = [];
  let earlier = 0;
  for (const image of images) {
    const outcome = state.find(image.name);
    if (outcome && outcome.status !== 'failed' && (await isCurrent(image, outcome))) earlier += 1;
    else if (!retryFailed || outcome?.status === 'failed') selected.push(image);
  }
  return { selected, earlier };
}

async function isCurrent(image: ImageFileOnDisk, outcome: ImageOutcome): Promise<boolean> {
  if (outcome.output !== undefined && !existsSync(outcome.output)) return false;
  const file = await stat(image.path).catch(() => undefined);
  return file?.size === outcome.size && file?.mtimeMs === outcome.modified_ms;
}

async function writeReport(
  file: string,
  images: readonly ImageFileOnDisk[],
  state: StateFile,
): Promise<void> {
  const lines = images.flatMap(({ name }) => {
    const outcome = state.find(name);
    return outcome ? [`${JSON.stringify(outcome)}\n`] : [];
  });
  await writeWhole(file, lines.join(''));
}

function tell(totals: BatchTotals, failures: readonly ImageOutcome[], asJson: boolean): void {
  for (const { name, error_code, message } of failures.slice(0, MOST_FAILURES_SHOWN)) {
    note(`✗ ${name}: ${error_code}: ${message}`);
  }
  const more = failures.length - MOST_FAILURES_SHOWN;
  if (more > 0) note(`✗ and ${more} more, see --report`);
  if (asJson) printJson(totals);
  else print(totalsText(totals));
}
