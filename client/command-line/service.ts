import type { Command } from 'commander';
import { EdgesiftClient } from '../client.ts';
import type { Retry } from '../transport/transport.ts';
import { UsageError } from './exit.ts';

const DEFAULT_URL = 'http://127.0.0.1:8787';

export interface ServiceOptions {
  url?: string;
  timeout?: string;
}

/** The options by which every command finds the service. */
export function withService(command: Command): Command {
  return command
    .option('--url <url>', `address of the service (default: EDGESIFT_URL, else ${DEFAULT_URL})`)
    .option('--timeout <seconds>', 'time limit of each request', '60');
}

/** The key comes from the environment alone: the arguments of a process are visible to other users. */
export function connect(
  { url = process.env.EDGESIFT_URL || DEFAULT_URL, timeout = '60' }: ServiceOptions,
  options: { retries?: number; onRetry?: (retry: Retry) => void } = {},
): EdgesiftClient {
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new UsageError(`'${url}' is not an address of a service, such as ${DEFAULT_URL}.`);
  }
  const apiKey = process.env.EDGESIFT_API_KEY;
  const { retries, onRetry } = options;
  return new EdgesiftClient({
    url,
    ...(apiKey && { apiKey }),
    timeoutMs: 1000 * readNumber('--timeout', timeout, 1, 3600),
    ...(retries !== undefined && { retry: { retries } }),
    ...(onRetry && { onRetry }),
  });
}

/** @throws UsageError that names the option */
export function readNumber(option: string, text: string, least: number, greatest: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= greatest) return value;
  throw new UsageError(`${option} must be a number from ${least} to ${greatest}, not '${text}'.`);
}
