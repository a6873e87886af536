import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type HealthOptions = ServiceOptions & { json?: boolean };

export function addHealthCommand(program: Command): void {
  const command = program
    .command('health')
    .summary('the state of the service')
    .description('Show the state of the service. Ends with 1 where it is unhealthy.')
    .option('--json', 'print the response');
  withService(command).action(async (options: HealthOptions) => {
    const health = await connect(options, { retries: 0 }).health();
    if (health.status === 'unhealthy') process.exitCode = EXIT.someFailed;
    if (options.json) printJson(health);
    else
      printTable(Object.entries(health).map(([name, value]) => [name.replaceAll('_', ' '), String(value)]));
  });
}
