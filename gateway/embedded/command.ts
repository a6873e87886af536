import type { Reply } from '../backend.ts';
import type { Keyspace } from './keyspace.ts';

/** A command of the embedded store. */
export interface CommandDefinition {
  /** Least and greatest number of arguments after the name; both are checked before `run`. */
  readonly parameters: readonly [least: number, greatest: number];

  /** @throws CommandError */
  readonly run: (keyspace: Keyspace, ...parameters: string[]) => Reply;
}

export type CommandTable = Readonly<Record<string, CommandDefinition>>;
