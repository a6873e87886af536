import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { EdgesiftError } from '../errors.ts';
import { ServiceUnreachable } from './batch/pacer.ts';
import { addBatchCommand } from './commands/batch.ts';
import { addCacheCommand } from './commands/cache.ts';
import { addClassifyCommand } from './commands/classify.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDetectCommand } from './commands/detect.ts';
import { addExistsCommand } from './commands/exists.ts';
import { addHealthCommand } from './commands/health.ts';
import { addJobsCommand } from './commands/jobs.ts';
import { addMatchCommand } from './commands/match.ts';
import { EXIT, UsageError } from './exit.ts';
import { Interrupted } from './interruption.ts';
import { note } from './output.ts';

const HELP = `
Environment:
  EDGESIFT_URL      address of the service (default: http://127.0.0.1:8787)
  EDGESIFT_API_KEY  API key, if the service requires one

Exit codes: 0 everything is done, 1 some of it failed, 2 the command is invalid, 3 the service cannot be reached.

Examples:
  edgesift detect photo.jpg
  edgesift match left.jpg right.jpg --draw matches.png
  edgesift batch photos --out features --format npz

'edgesift COMMAND --help' has the options of a command, and examples.`;

function createProgram(): Command {
  const program = new Command('edgesift')
    .description('SIFT image features and vehicle recognition by an edgesift service.')
    .version(manifest.version)
    .addHelpText('after', HELP)
    .exitOverride();
  for (const add of [
    addDetectCommand,
    addMatchCommand,
    addBatchCommand,
    addClassifyCommand,
    addExistsCommand,
    addCacheCommand,
    addJobsCommand,
    addHealthCommand,
    addDemoCommand,
  ]) {
    add(program);
  }
  return program;
}

/** @returns the exit code */
function explain(error: unknown): number {
  // Commander has printed its message itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) {
    note(`✗ ${error.message}`);
    return EXIT.usage;
  }
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof ServiceUnreachable) {
    note('✗ The service does not respond. The same command continues from here.');
    return EXIT.unreachable;
  }
  if (error instanceof EdgesiftError) {
    note(`✗ ${error.code}: ${error.message}`);
    return exitCodeOf(error);
  }
  if (error instanceof Error && 'code' in error) {
    note(`✗ ${error.message}`);
    return EXIT.someFailed;
  }
  throw error;
}

function exitCodeOf({ code }: EdgesiftError): number {
  if (code === 'CONNECTION_FAILED' || code === 'TIMED_OUT') return EXIT.unreachable;
  return code === 'INVALID_PARAMETER' ? EXIT.usage : EXIT.someFailed;
}

// `edgesift … | head` closes the pipe: the rest has no reader.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
