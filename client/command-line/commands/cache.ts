import type { Command } from 'commander';
import { count, print, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type CacheOptions = ServiceOptions & { json?: boolean };

const KEY =
  'edgesift@1/n0-l3-c0.04-e10-s1.6/972bc4d55a599914c90218b59bbb362723ccb3d2f746ffa365dd3c869fe8e72c';
const LIST_EXAMPLES = `
Examples:
  edgesift cache list
  edgesift cache list "*/$(sha256sum photo.jpg | cut -d' ' -f1)"`;
const INSPECT_EXAMPLES = `
Example:
  edgesift cache inspect ${KEY}`;
const DELETE_EXAMPLES = `
Example:
  edgesift cache delete ${KEY}`;
const CLEAR_EXAMPLES = `
Examples:
  edgesift cache clear 'edgesift@1/n500-*'
  edgesift cache clear '*'`;
const EXAMPLES = `
Examples:
  edgesift cache list 'edgesift@1/n500-*'
  edgesift cache clear 'edgesift@1/n500-*'`;

/** The same as the service's own administration, over HTTP: it takes a key of scope admin. */
export function addCacheCommand(program: Command): void {
  const cache = program
    .command('cache')
    .summary('list and delete cached results (administrators)')
    .description('List and delete cached results. Needs an API key of scope admin in EDGESIFT_API_KEY.')
    .addHelpText('after', EXAMPLES);

  withService(
    cache
      .command('list')
      .description('List the keys of cached results, with the time until they expire.')
      .argument('[pattern]', 'pattern with * and ?, as in Redis', '*'),
  )
    .option('--json', 'print one line of JSON for each key')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (pattern: string, options: CacheOptions) => {
      let total = 0;
      for await (const { key, ttl_s } of connect(options).cache.list(pattern)) {
        if (options.json) printJson({ key, ttl_s });
        else print(`${key}  ${expiry(ttl_s)}`);
        total += 1;
      }
      if (!options.json) print(count(total, 'result'));
    });

  withService(
    cache
      .command('inspect')
      .description('Show the records of one cached result: name, size, time until it expires.')
      .argument('<key>', 'key, as list shows it'),
  )
    .option('--json', 'print the JSON response')
    .addHelpText('after', INSPECT_EXAMPLES)
    .action(async (key: string, options: CacheOptions) => {
      const entry = await connect(options).cache.inspect(key);
      if (options.json) printJson(entry);
      else printTable(entry.records.map(({ name, bytes, ttl_s }) => [name, bytes, 'bytes', expiry(ttl_s)]));
    });

  withService(
    cache
      .command('delete')
      .description('Delete one cached result. The next request computes it again.')
      .argument('<key>', 'key, as list shows it'),
  )
    .addHelpText('after', DELETE_EXAMPLES)
    .action(async (key: string, options: CacheOptions) => {
      const { deleted_records } = await connect(options).cache.delete(key);
      print(`Deleted ${count(deleted_records, 'record')}.`);
    });

  withService(
    cache
      .command('clear')
      .description('Delete all cached results whose key matches a pattern. Does not ask for confirmation.')
      .argument('<pattern>', "pattern with * and ?; '*' deletes everything"),
  )
    .addHelpText('after', CLEAR_EXAMPLES)
    .action(async (pattern: string, options: CacheOptions) => {
      print(`Deleted ${count(await connect(options).cache.clear(pattern), 'result')}.`);
    });
}

function expiry(seconds: number | null): string {
  return seconds === null ? 'does not expire' : `expires in ${seconds} s`;
}
