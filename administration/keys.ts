/** `npm run keys -- create | list | revoke`: the service's API keys. */
import { createKey, listKeys, revokeKey } from './api-keys.ts';
import { print, readCommandLine, runTool, UsageError } from './command-line.ts';

const USAGE = `usage: npm run keys -- create --scope <read | write | admin> --name <whose it is>
       npm run keys -- list
       npm run keys -- revoke <id>`;

await runTool(async () => {
  const { action, operand, options } = readCommandLine(USAGE, ['scope', 'name']);
  print(...(await linesOf(action, operand, options)));
});

function linesOf(
  action: string | undefined,
  operand: string | undefined,
  { scope, name }: Record<string, string | undefined>,
): Promise<string[]> {
  if (action === 'create' && operand === undefined && scope && name) return createKey(scope, name);
  if (action === 'list' && operand === undefined) return listKeys();
  if (action === 'revoke' && operand !== undefined) return revokeKey(operand);
  throw new UsageError(USAGE);
}
