import { type Command, Option } from 'commander';
import type { JobRequest, JobResponse } from '../../contract.ts';
import { EXIT, UsageError } from '../exit.ts';
import {
  type ExtractionOptions,
  extractionFrom,
  withExtraction,
  withRootSift,
} from '../extraction-options.ts';
import { print, printJson } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type JobOptions = ServiceOptions & { json?: boolean };
type CreateOptions = JobOptions &
  ExtractionOptions & {
    prefix?: string;
    manifest?: string;
    output: string;
    format: NonNullable<JobRequest['formats']>;
    webhook?: string;
    follow?: boolean;
  };

const EXAMPLES = `
Examples:
  edgesift jobs create --prefix s3://photos/2026/ --output s3://features/2026/ --format npz --follow
  edgesift jobs list
  edgesift jobs retry-failed job-0mihqw2n4-5f0c1ab2`;

/** Bulk jobs, which the service works on by itself. */
export function addJobsCommand(program: Command): void {
  const jobs = program
    .command('jobs')
    .summary('bulk jobs over folders and buckets')
    .description('Have the service extract the features of all images in a folder or bucket.')
    .addHelpText('after', EXAMPLES);
  addCreate(jobs);
  withJson(jobs.command('list').summary('all jobs, newest first')).action(async (options: JobOptions) => {
    for await (const job of connect(options).jobs.list()) show(job, options);
  });
  withJson(jobs.command('show').summary('one job').argument('<id>')).action(
    async (id: string, options: JobOptions) => show(await connect(options).jobs.get(id), options),
  );
  withJson(jobs.command('follow').summary('one job until it has ended').argument('<id>')).action(follow);
  withJson(jobs.command('cancel').summary('end a job; its results stay').argument('<id>')).action(
    async (id: string, options: JobOptions) => show(await connect(options).jobs.cancel(id), options),
  );
  withJson(
    jobs.command('retry-failed').summary('a new job of the images that failed').argument('<id>'),
  ).action(async (id: string, options: JobOptions) =>
    show(await connect(options).jobs.retryFailed(id), options),
  );
}

function addCreate(jobs: Command): void {
  const command = jobs
    .command('create')
    .summary('a new job')
    .option('--prefix <location>', 'folder or bucket prefix of the images: /folder/ or s3://bucket/prefix')
    .option('--manifest <location>', 'list of images, a location a line')
    .requiredOption('--output <location>', 'folder or bucket prefix for results and reports')
    .addOption(
      new Option('-f, --format <formats...>', 'formats of the results')
        .choices(['safetensors', 'npz', 'colmap', 'key'])
        .default(['safetensors']),
    )
    .option('--webhook <url>', 'is sent the job when it has ended')
    .option('--follow', 'wait until it has ended');
  withRootSift(withExtraction(withJson(command))).action(async (options: CreateOptions) => {
    const { include: _include, format: _format, ...parameters } = extractionFrom(options);
    const { output, format, webhook } = options;
    const source = sourceFrom(options);
    const request = {
      source,
      output,
      formats: format,
      parameters,
      ...(webhook !== undefined && { webhook }),
    };
    const job = await connect(options).jobs.create(request);
    if (options.follow) await follow(job.id, options);
    else show(job, options);
  });
}

function sourceFrom({ prefix, manifest }: CreateOptions): JobRequest['source'] {
  if (prefix !== undefined && manifest === undefined) return { prefix };
  if (manifest !== undefined && prefix === undefined) return { manifest };
  throw new UsageError('jobs create needs --prefix or --manifest.');
}

function withJson(command: Command): Command {
  return withService(command).option('--json', 'print JSON, a job a line');
}

async function follow(id: string, options: JobOptions): Promise<void> {
  for await (const job of connect(options).jobs.follow(id)) {
    show(job, options);
    const hasFailed = job.state === 'failed' || job.state === 'cancelled' || job.images.failed > 0;
    process.exitCode = hasFailed ? EXIT.someFailed : EXIT.ok;
  }
}

function show(job: JobResponse, { json }: JobOptions): void {
  if (json) {
    printJson(job);
    return;
  }
  const { total, done, cached, failed } = job.images;
  const rest = job.seconds_left === null ? '' : `, ${Math.round(job.seconds_left)} s left`;
  const message = job.message === null ? '' : `  ${job.message}`;
  const counts = `${done} of ${total ?? '?'} images, ${cached} cached, ${failed} failed`;
  print(`${job.id}  ${job.state}  ${counts}${rest}${message}`);
}
