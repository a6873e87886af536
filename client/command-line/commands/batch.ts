import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { DetectParameters } from '../../contract.ts';
import { Pacer, ServiceUnreachable } from '../batch/pacer.ts';
import { Progress } from '../batch/progress.ts';
import { type BatchRun, runBatch } from '../batch/run-batch.ts';
import { type ImageOutcome, StateFile } from '../batch/state-file.ts';
import { databaseTarget, type Format, folderTarget, type Target } from '../batch/target.ts';
import { type BatchTotals, type PairTotals, pairTotalsText, totalsText } from '../batch/totals.ts';
import { writeWhole } from '../batch/whole-file.ts';
import { ColmapDatabase } from '../colmap/database.ts';
import { type ImagePair, imagePairs, matchPairs, type PairRun } from '../colmap/match-pairs.ts';
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

type BatchOptions = ServiceOptions &
  ExtractionOptions & {
    out?: string;
    format: Format;
    include?: 'summary' | 'keypoints' | 'all';
    database?: string;
    match: string;
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
  edgesift batch photos --format colmap --database photos.db --match exhaustive

The same command continues a run that was interrupted. With --format colmap, --orientation is ignore unless given.`;

const MOST_FAILURES_SHOWN = 20;

export function addBatchCommand(program: Command): void {
  const command = program
    .command('batch')
    .summary('features of many images, as files or in a COLMAP database')
    .description('Extract the features of all images in folders, and write one file for each image.')
    .argument('<images...>', 'folders, files or patterns')
    .option('-o, --out <folder>', 'where the files go; the folder mirrors that of the images')
    .addOption(
      new Option('-f, --format <format>', 'format of the files')
        .choices(['safetensors', 'npz', 'colmap', 'key', 'json'])
        .default('safetensors'),
    )
    .addOption(
      new Option('--include <what>', 'with --format json: what each file contains').choices([
        'summary',
        'keypoints',
        'all',
      ]),
    )
    .option('--database <file>', 'with --format colmap: fill this COLMAP database instead of --out')
    .option(
      '--match <pairs>',
      'with --database: none, exhaustive (all pairs), or a number N (each image with the next N)',
      'none',
    )
    .option('--state <file>', 'file that remembers what is done (default: beside the output)')
    .option('--restart', 'forget earlier runs and process every image again')
    .option('--retry-failed', 'process only the images that failed in earlier runs')
    .option('--report <file>', 'write one line of JSON for each image to this file')
    .option('-c, --concurrency <number>', 'images that are sent at the same time, at most', '8')
    .option(
      '--patience <seconds>',
      'how long to wait for a service that does not respond; then the run ends',
      '300',
    )
    .option('--json', 'print the totals as JSON, without progress')
    .option('-q, --quiet', 'show no progress');
  withService(withRootSift(withExtraction(command)))
    .addHelpText('after', EXAMPLES)
    .action(async (operands: string[], options: BatchOptions) => {
      process.exitCode = await batch(operands, options);
    });
}

async function batch(operands: readonly string[], options: BatchOptions): Promise<number> {
  checkTarget(options);
  const overlap = overlapFrom(options.match);
  const { out, database: databaseFile, format } = options;
  const parameters = parametersFrom(options);
  const concurrency = readNumber('--concurrency', options.concurrency, 1, 64);
  const patienceMs = 1000 * readNumber('--patience', options.patience, 1, 86_400);
  const client = connect(options, { retries: 0 });
  const images = await findImages(operands);
  await client.health();

  const stateFile = options.state ?? defaultStateFile(options);
  const state = StateFile.open(stateFile, { format, parameters }, options.restart ?? false);
  const database = databaseFile === undefined ? undefined : await ColmapDatabase.open(databaseFile);
  try {
    const target = database ? databaseTarget(database) : folderTarget(out ?? '.', format);
    const selection = await selectImages(images, state, target, options.retryFailed ?? false);
    const signal = interruption();
    const pacer = new Pacer(patienceMs, signal);
    const run = { client, parameters, target, concurrency, pacer, signal };
    const isQuiet = (options.quiet ?? false) || (options.json ?? false);
    const result = await extractAll(selection, images.length, state, run, isQuiet);
    if (options.report !== undefined) await writeReport(options.report, images, state);

    let pairs: PairResult | undefined;
    if (database && overlap > 0 && result.code <= EXIT.someFailed) {
      const stored = images.flatMap((image) => {
        const sha256 = database.hasImage(image.name) ? state.find(image.name)?.sha256 : undefined;
        return sha256 === undefined ? [] : [{ ...image, sha256 }];
      });
      const { include: _include, root_sift: _rootSift, ...extraction } = parameters;
      const pairRun = { ...run, parameters: extraction, database };
      pairs = await matchAll(imagePairs(stored, overlap), pairRun, isQuiet);
    }
    const code = Math.max(result.code, pairs?.code ?? EXIT.ok);
    report({ ...result, code }, pairs?.totals, options.json ?? false);
    return code;
  } finally {
    database?.close();
    state.close();
  }
}

function checkTarget({ out, database, format, match, rootSift }: BatchOptions): void {
  if (database === undefined) {
    if (out === undefined) throw new UsageError('batch needs --out, or --format colmap with --database.');
    if (match !== 'none') throw new UsageError('--match needs --database.');
    return;
  }
  if (out !== undefined) throw new UsageError('--out and --database exclude each other.');
  if (format !== 'colmap') throw new UsageError('--database needs --format colmap.');
  if (rootSift) throw new UsageError('A COLMAP database has RootSIFT descriptors anyway: omit --root-sift.');
}

/** @returns with how many following images each is matched */
function overlapFrom(match: string): number {
  if (match === 'none') return 0;
  if (match === 'exhaustive') return Number.POSITIVE_INFINITY;
  return readNumber('--match', match, 1, 1_000_000);
}

function parametersFrom(options: BatchOptions): Omit<DetectParameters, 'format'> {
  const { include, format } = options;
  return {
    // COLMAP reads pixels as they are stored; its images and these coordinates must agree.
    ...(format === 'colmap' && { orientation: 'ignore' as const }),
    ...extractionFrom(options),
    ...(include && { include }),
  };
}

function defaultStateFile({ out, database }: BatchOptions): string {
  return database === undefined ? path.join(out ?? '.', '.edgesift-state.jsonl') : `${database}.state.jsonl`;
}

interface BatchResult {
  code: number;
  totals: BatchTotals;
  failures: ImageOutcome[];
}

/** Every outcome is in the state before the next is awaited, however the run ends. */
async function extractAll(
  { selected, earlier }: Selection,
  images: number,
  state: StateFile,
  run: BatchRun,
  isQuiet: boolean,
): Promise<BatchResult> {
  const totals = { images, computed: 0, cached: 0, earlier, failed: 0, left: images - earlier };
  const failures: ImageOutcome[] = [];
  const progress = new Progress(selected.length, 'images', isQuiet);
  try {
    for await (const outcome of runBatch(selected, run)) {
      state.add(outcome);
      totals[outcome.status] += 1;
      totals.left -= 1;
      if (outcome.status === 'failed') failures.push(outcome);
      progress.showImages(totals);
    }
    return { code: failures.length > 0 ? EXIT.someFailed : EXIT.ok, totals, failures };
  } catch (error) {
    return { code: codeOfEnd(error, run.signal), totals, failures };
  } finally {
    progress.stop();
  }
}

/** The exit code of a run that has ended early. @throws an error that is not the end of a run in order */
function codeOfEnd(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return EXIT.interrupted;
  if (error instanceof ServiceUnreachable) return EXIT.unreachable;
  throw error;
}

interface PairResult {
  code: number;
  totals: PairTotals;
}

async function matchAll(pairs: readonly ImagePair[], run: PairRun, isQuiet: boolean): Promise<PairResult> {
  const missing = pairs.filter(([first, second]) => !run.database.hasPair(first.name, second.name));
  const earlier = pairs.length - missing.length;
  const totals = { pairs: pairs.length, related: 0, unrelated: 0, failed: 0, earlier, left: missing.length };
  const progress = new Progress(missing.length, 'pairs', isQuiet);
  try {
    for await (const outcome of matchPairs(missing, run)) {
      totals[outcome] += 1;
      totals.left -= 1;
      progress.showPairs(totals);
    }
    return { code: totals.failed > 0 ? EXIT.someFailed : EXIT.ok, totals };
  } catch (error) {
    return { code: codeOfEnd(error, run.signal), totals };
  } finally {
    progress.stop();
  }
}

interface Selection {
  selected: ImageFileOnDisk[];
  /** Images that an earlier run has done. */
  earlier: number;
}

/** Leaves out what an earlier run has done, unless the image has changed or its features are gone. */
async function selectImages(
  images: readonly ImageFileOnDisk[],
  state: StateFile,
  target: Target,
  retryFailed: boolean,
): Promise<Selection> {
  const selected: ImageFileOnDisk[] = [];
  let earlier = 0;
  for (const image of images) {
    const outcome = state.find(image.name);
    if (
      outcome &&
      outcome.status !== 'failed' &&
      target.has(outcome) &&
      (await isUnchanged(image, outcome))
    ) {
      earlier += 1;
    } else if (!retryFailed || outcome?.status === 'failed') {
      selected.push(image);
    }
  }
  return { selected, earlier };
}

async function isUnchanged(image: ImageFileOnDisk, outcome: ImageOutcome): Promise<boolean> {
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

function report(
  { code, totals, failures }: BatchResult,
  pairs: PairTotals | undefined,
  asJson: boolean,
): void {
  for (const { name, error_code, message } of failures.slice(0, MOST_FAILURES_SHOWN)) {
    note(`✗ ${name}: ${error_code}: ${message}`);
  }
  const more = failures.length - MOST_FAILURES_SHOWN;
  if (more > 0) note(`✗ and ${more} more: --report lists all`);
  if (code === EXIT.unreachable)
    note('✗ The service does not respond. The same command continues from here.');
  if (asJson) {
    printJson({ ...totals, ...(pairs && { match: pairs }) });
    return;
  }
  print(totalsText(totals));
  if (pairs) print(pairTotalsText(pairs));
}
