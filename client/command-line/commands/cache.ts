import type { Command } from 'commander';
import { count, print, printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type CacheOptions = ServiceOptions & { json?: boolean };

const EXAMPLES = `
Examples:
  edgesift cache list '*/972bc4d55a599914c90218b59bbb362723ccb3d2f746ffa365dd3c869fe8e72c'
  edgesift cache inspect edgesift@1/n0-l3-c0.04-e10-s1.6/972bc4d5…
  edgesift cache clear 'edgesift@1/n500-*'`;

/** The same as the service's own administration, over HTTP: it takes a key of scope admin. */
export function addCacheCommand(program: Command): void {
  const cache = program
    .command('cache')
    .summary('what the service has cached')
    .description('Show and delete cached results. Takes an API key of scope admin in EDGESIFT_API_KEY.')
    .addHelpText('after', EXAMPLES);

  withService(
    cache.command('list').summary('keys by pattern').argument('[pattern]', 'as Redis takes it', '*'),
  )
    .option('--json', 'print a line of JSON for each key')
    .action(async (pattern: string, options: CacheOptions) => {
      let total = 0;
      for await (const { key, ttl_s } of connect(options).cache.list(pattern)) {
        if (options.json) printJson({ key, ttl_s });
        else print(`${key}  ${expiry(ttl_s)}`);
        total += 1;
      }
      if (!options.json) print(count(total, 'result'));
    });

  withService(cache.command('inspect').summary('the records of one key').argument('<key>'))
    .option('--json', 'print the response')
    .action(async (key: string, options: CacheOptions) => {
      const entry = await connect(options).cache.inspect(key);
      if (options.json) printJson(entry);
      else printTable(entry.records.map(({ name, bytes, ttl_s }) => [name, bytes, 'bytes', expiry(ttl_s)]));
    });

  withService(cache.command('delete').summary('delete one key').argument('<key>')).action(
    async (key: string, options: CacheOptions) => {
      const { deleted_records } = await connect(options).cache.delete(key);
      print(`Deleted, ${count(deleted_records, 'record')}.`);
    },
  );

  withService(
    cache.command('clear').summary('delete by pattern').argument('<pattern>', "'*' for everything"),
  ).action(async (pattern: string, options: CacheOptions) => {
    print(`${count(await connect(options).cache.clear(pattern), 'result')} deleted.`);
  });
}

function expiry(seconds: number | null): string {
  return seconds === null ? 'does not expire' : `expires in ${seconds} s`;
}
