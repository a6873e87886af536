import { CommanderError } from 'commander';
import { EdgesiftError } from '../errors.ts';
import { ServiceUnreachable } from './batch/pacer.ts';
import { EXIT, UsageError } from './exit.ts';
import { Interrupted } from './interruption.ts';
import { note } from './output.ts';
import { createProgram } from './program.ts';

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
    if (error.code === 'CONNECTION_FAILED')
      note('  The option --url or EDGESIFT_URL names the address of the service.');
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

// `edgesift … | head` closes the pipe: the rest has no reader. `2>&1 | head` closes both.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok);
    throw error;
  });
}

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
