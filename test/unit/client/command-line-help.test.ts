import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { extractionFrom } from '../../../client/command-line/extraction-options.ts';
import { createProgram } from '../../../client/command-line/program.ts';
import { extractionParametersSchema } from '../../../shared/contract/parameters.ts';

/** As in `--n-octave-layers`. */
function optionOf(parameter: string): string {
  return `--${parameter.replaceAll('_', '-')}`;
}

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

/** As in `edgesift jobs list`. */
function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

test('the help of every command describes it, and has examples that the command itself understands', () => {
  const commands = all(createProgram());
  expect(commands.length).toBeGreaterThan(20);
  for (const command of commands) {
    const name = nameOf(command);
    expect(command.description(), name).not.toBe('');
    for (const option of command.options) expect(option.description, `${name} ${option.flags}`).not.toBe('');
    const examples = helpOf(command).matchAll(/^ {2}(edgesift .*)$/gm);
    const lines = [...examples].map(([, line = '']) => line);
    expect(lines.length, name).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line.startsWith(name), `${line} in the help of ${name}`).toBe(true);
      for (const [flag] of line.matchAll(/--[a-z-]+/g)) {
        const known = commands
          .filter((other) => line.startsWith(nameOf(other)))
          .flatMap(({ options }) => options);
        expect(
          known.map(({ long }) => long),
          line,
        ).toContain(flag);
      }
    }
  }
});

test('every parameter of an extraction is an option, and is sent under its own name', async () => {
  const values: Record<string, string[]> = { orientation: ['ignore'], denoise: [] };
  const names = Object.keys(extractionParametersSchema.shape);
  const program = createProgram();
  for (const command of program.commands.filter(({ options }) =>
    options.some(({ long }) => long === '--sigma'),
  )) {
    const parameters = names.flatMap((name) => [optionOf(name), ...(values[name] ?? ['5'])]);
    command.action(() => undefined).exitOverride();
    await command.parseAsync([...command.registeredArguments.map(() => 'a.jpg'), ...parameters], {
      from: 'user',
    });
    expect(Object.keys(extractionFrom(command.opts())).sort(), command.name()).toEqual(names.sort());
  }
});
