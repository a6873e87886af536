import { type Command, Option } from 'commander';
import { createKey, listKeys, revokeKey } from '../../../administration/api-keys.ts';
import * as administration from '../../../administration/command-line.ts';
import { RedisUnavailable } from '../../../edge/redis/redis-client.ts';
import { SettingsError } from '../../../shared/settings.ts';
import { EXIT, UsageError } from '../exit.ts';
import { note, print } from '../output.ts';

const EXAMPLES = `
Environment:
  UPSTASH_REDIS_REST_URL    address of the service's Redis
  UPSTASH_REDIS_REST_TOKEN  its token

Examples:
  edgesift keys create --scope write --name "photo app"
  edgesift keys list
  edgesift keys revoke 0123456789ab`;

/** API keys are written to the service's Redis itself: no request over HTTP can make one. */
export function addKeysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .summary('API keys of the service (operators)')
    .description("Create, list and revoke the service's API keys. Needs access to the service's Redis.")
    .addHelpText('after', EXAMPLES);
  keys
    .command('create')
    .description('Create a key and print it. Only its hash is stored: it cannot be shown again.')
    .addOption(
      new Option(
        '--scope <scope>',
        'read: cached results; write: also new images; admin: also administration',
      )
        .choices(['read', 'write', 'admin'])
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'name of the owner of the key')
    .addHelpText('after', '\nExample:\n  edgesift keys create --scope write --name "photo app"')
    .action(({ scope, name }: { scope: string; name: string }) => show(() => createKey(scope, name)));
  keys
    .command('list')
    .description('List all keys: id, scope, when they were created, whether they are revoked, name.')
    .addHelpText('after', '\nExample:\n  edgesift keys list')
    .action(() => show(listKeys));
  keys
    .command('revoke')
    .description('Revoke a key. Edges that know it accept it for one more minute.')
    .argument('<id>', 'id of the key, as list shows it')
    .addHelpText('after', '\nExample:\n  edgesift keys revoke 0123456789ab')
    .action((id: string) => show(() => revokeKey(id)));
}

async function show(work: () => Promise<string[]>): Promise<void> {
  try {
    for (const line of await work()) print(line);
  } catch (error) {
    if (error instanceof administration.UsageError || error instanceof SettingsError) {
      throw new UsageError(error.message);
    }
    if (!(error instanceof RedisUnavailable)) throw error;
    note(`✗ The Redis of the service cannot be reached: ${error.message}`);
    process.exitCode = EXIT.unreachable;
  }
}
