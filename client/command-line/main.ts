import { Command, CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { EdgesiftError } from '../errors.ts';
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
import { note } from './output.ts';

const HELP = `
Environment:
  EDGESIFT_URL      address of the service
  EDGESIFT_API_KEY  the key, where the service asks for one

Exit codes: 0 all is done, 1 some of it failed, 2 the command makes no sense, 3 the service cannot be reached.

Examples:
  edgesift detect photo.jpg
  edgesift match left.jpg right.jpg --draw matches.png
  edgesift batch photos --out features --format npz`;

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
  if (error instanceof EdgesiftError) {
    note(`✗ ${error.code}: ${error.message}`);
    return error.code === 'CONNECTION_FAILED' || error.code === 'TIMED_OUT'
      ? EXIT.unreachable
      : EXIT.someFailed;
  }
  if (error instanceof Error && 'code' in error) {
    note(`✗ ${error.message}`);
    return EXIT.someFailed;
  }
  throw error;
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
