import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RedisUnavailable } from '../edge/redis/redis-client.ts';
import { SettingsError } from '../shared/settings.ts';

/** A command line that makes no sense; the message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Action, operand and options of `npm run <tool> -- <action> [operand] [--option value]`. */
export interface CommandLine {
  action: string | undefined;
  operand: string | undefined;
  options: Record<string, string | undefined>;
}

/** @throws UsageError with this usage, for a line that has anything else */
export function readCommandLine(usage: string, optionNames: readonly string[]): CommandLine {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: Object.fromEntries(optionNames.map((name) => [name, { type: 'string' }])),
    } satisfies ParseArgsConfig);
    const [action, operand, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError(usage);
    return { action, operand, options: values };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${messageOf(error)}\n${usage}`);
  }
}

/** Runs a tool; what the user can mend is said in a line and ends with exit code 1. */
export async function runTool(tool: () => Promise<void>): Promise<void> {
  try {
    await tool();
  } catch (error) {
    const isForTheUser =
      error instanceof UsageError || error instanceof SettingsError || error instanceof RedisUnavailable;
    if (!isForTheUser) throw error;
    const message = error instanceof RedisUnavailable ? `Redis failed: ${error.message}` : error.message;
    process.stderr.write(`✗ ${message}\n`);
    process.exitCode = 1;
  }
}

export function print(...lines: string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
