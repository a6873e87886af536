import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { printJson, printTable } from '../output.ts';
import { connect, type ServiceOptions, withService } from '../service.ts';

type HealthOptions = ServiceOptions & { json?: boolean };

export function addHealthCommand(program: Command): void {
  const command = program
    .command('health')
    .summary('the state of the service')
    .description('Show the state of the service. The exit code is 1 if it is unhealthy.')
    .option('--json', 'print the JSON response');
  withService(command)
    .addHelpText(
      'after',
      '\nExamples:\n  edgesift health\n  edgesift health --url https://features.example.com --json',
    )
    .action(async (options: HealthOptions) => {
      const health = await connect(options, { retries: 0 }).health();
      if (health.status === 'unhealthy') process.exitCode = EXIT.someFailed;
      if (options.json) printJson(health);
      else
        printTable(Object.entries(health).map(([name, value]) => [name.replaceAll('_', ' '), String(value)]));
    });
}
