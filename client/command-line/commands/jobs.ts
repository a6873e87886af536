import { type Command, Option } from 'commander';
import type { EdgesiftClient } from '../../client.ts';
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

const CREATE_EXAMPLES = `
Examples:
  edgesift jobs create --prefix s3://photos/2026/ --output s3://features/2026/ --format npz --follow
  edgesift jobs create --prefix /data/photos/ --output /data/features/ --nfeatures 2000`;

/** Bulk jobs, which the service works on by itself. */
export function addJobsCommand(program: Command): void {
  const jobs = program
    .command('jobs')
    .summary('bulk jobs that the service runs in the background')
    .description(
      'Let the service extract the features of all images in a folder or bucket. Paths are those of the service.',
    )
    .addHelpText('after', EXAMPLES);
  addCreate(jobs);
  withJson(jobs.command('list').description('List all jobs, newest first.'))
    .addHelpText('after', exampleOf('list'))
    .action(async (options: JobOptions) => {
      for await (const job of connect(options).jobs.list()) show(job, options);
    });
  addJobCommand(jobs, 'show', 'Show one job.', async (client, id, options) =>
    show(await client.jobs.get(id), options),
  );
  addJobCommand(
    jobs,
    'follow',
    'Show one job at each change until it has ended. The exit code is 1 if any image failed.',
    follow,
  );
  addJobCommand(jobs, 'cancel', 'Cancel a job. Results that exist are kept.', async (client, id, options) =>
    show(await client.jobs.cancel(id), options),
  );
  addJobCommand(
    jobs,
    'retry-failed',
    'Create a new job for the images that failed in a job that has ended.',
    async (client, id, options) => show(await client.jobs.retryFailed(id), options),
  );
}

function addJobCommand(
  jobs: Command,
  name: string,
  description: string,
  act: (client: EdgesiftClient, id: string, options: JobOptions) => Promise<void>,
): void {
  withJson(jobs.command(name).description(description).argument('<id>', 'id of the job, as list shows it'))
    .addHelpText('after', exampleOf(`${name} job-0mihqw2n4-5f0c1ab2`))
    .action((id: string, options: JobOptions) => act(connect(options), id, options));
}

function exampleOf(command: string): string {
  return `\nExample:\n  edgesift jobs ${command}`;
}

function addCreate(jobs: Command): void {
  const command = jobs
    .command('create')
    .description('Create a job. Prints it, or follows it until it has ended.')
    .option('--prefix <location>', 'all images in a folder or bucket: /folder/ or s3://bucket/prefix')
    .option('--manifest <location>', 'a file with the location of one image per line')
    .requiredOption('--output <location>', 'folder or bucket prefix where results and reports are written')
    .addOption(
      new Option('-f, --format <formats...>', 'formats of the results')
        .choices(['safetensors', 'npz', 'colmap', 'key'])
        .default(['safetensors']),
    )
    .option('--webhook <url>', 'https URL that receives the job by POST when it has ended')
    .option('--follow', 'show the job at each change until it has ended');
  withRootSift(withExtraction(withJson(command)))
    .addHelpText('after', CREATE_EXAMPLES)
    .action(async (options: CreateOptions) => {
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
      const client = connect(options);
      const job = await client.jobs.create(request);
      if (options.follow) await follow(client, job.id, options);
      else show(job, options);
    });
}

function sourceFrom({ prefix, manifest }: CreateOptions): JobRequest['source'] {
  if (prefix !== undefined && manifest === undefined) return { prefix };
  if (manifest !== undefined && prefix === undefined) return { manifest };
  throw new UsageError('jobs create needs either --prefix or --manifest.');
}

function withJson(command: Command): Command {
  return withService(command).option('--json', 'print one line of JSON for each job');
}

async function follow(client: EdgesiftClient, id: string, options: JobOptions): Promise<void> {
  for await (const job of client.jobs.follow(id)) {
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
