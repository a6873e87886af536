import { type Backend, type Command, CommandError, type Reply } from '../backend.ts';
import { wrongArity } from './arguments.ts';
import type { CommandTable } from './command.ts';
import { hashCommands } from './hash-commands.ts';
import { keyCommands } from './key-commands.ts';
import { Keyspace, type KeyspaceOptions } from './keyspace.ts';
import { listCommands } from './list-commands.ts';
import { setCommands } from './set-commands.ts';
import { setString, stringCommands } from './string-commands.ts';

const COMMANDS: CommandTable = {
  ...keyCommands,
  ...stringCommands,
  ...hashCommands,
  ...listCommands,
  ...setCommands,
};

/** Most bytes of arguments that Redis 7 repeats in its reply to an unknown command. */
const MAX_REPEATED_BYTES = 128;

/** A store in this process' memory that replies as Redis 7 does, for the commands the service uses. */
export function createEmbeddedBackend(options: KeyspaceOptions): Backend {
  const keyspace = new Keyspace(options);
  return {
    name: 'embedded',

    async pipeline(commands) {
      return commands.map((command) => execute(keyspace, command));
    },

    async setBytes(key, value, options) {
      return replyOf(() => setString(keyspace, key, value, options));
    },

    // Atomic, because nothing else runs before this returns.
    async transaction(commands) {
      const invalid = commands.map(validate).find((error) => error !== undefined);
      return invalid ?? commands.map((command) => execute(keyspace, command));
    },

    async isReady() {
      return true;
    },

    async close() {
      keyspace.clear();
    },
  };
}

function execute(keyspace: Keyspace, command: Command): Reply {
  const invalid = validate(command);
  if (invalid !== undefined) return invalid;
  const [name, ...parameters] = command;
  return replyOf(() => COMMANDS[name]?.run(keyspace, ...parameters) ?? null);
}

function replyOf(run: () => Reply): Reply {
  try {
    return run();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** What Redis checks before it runs or queues a command. */
function validate([name, ...parameters]: Command): CommandError | undefined {
  const definition = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (definition === undefined) return unknownCommand(name, parameters);
  const [least, greatest] = definition.parameters;
  return parameters.length < least || parameters.length > greatest ? wrongArity(name) : undefined;
}

function unknownCommand(name: string, parameters: readonly string[]): CommandError {
  let repeated = '';
  for (const parameter of parameters) {
    if (repeated.length >= MAX_REPEATED_BYTES) break;
    repeated += `'${parameter.slice(0, MAX_REPEATED_BYTES - repeated.length)}' `;
  }
  return new CommandError(
    `ERR unknown command '${name.slice(0, MAX_REPEATED_BYTES)}', with args beginning with: ${repeated}`,
  );
}
