import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs a program to its end and gives its standard output.
 *
 * @throws Error with all that it printed, when it fails
 */
export async function run(program: string, parameters: readonly string[]): Promise<string> {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [status, output, problems] = await Promise.all([code, text(child.stdout), text(child.stderr)]);
  if (status === 0) return output;
  const shown = `${output}${problems}`.slice(-8_000);
  throw new Error(`${program} ${parameters.join(' ')} ended with ${status}:\n${shown}`);
}
