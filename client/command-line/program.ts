import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { addBatchCommand } from './commands/batch.ts';
import { addCacheCommand } from './commands/cache.ts';
import { addClassifyCommand } from './commands/classify.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDetectCommand } from './commands/detect.ts';
import { addExistsCommand } from './commands/exists.ts';
import { addHealthCommand } from './commands/health.ts';
import { addJobsCommand } from './commands/jobs.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addMatchCommand } from './commands/match.ts';

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

/** All commands, with their help. */
export function createProgram(): Command {
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
    addKeysCommand,
    addJobsCommand,
    addHealthCommand,
    addDemoCommand,
  ]) {
    add(program);
  }
  return program;
}
