/**
 * Upstash's REST protocol (https://upstash.com/docs/redis/features/restapi): commands as JSON arrays, responses as
 * `{"result": …}` or `{"error": …}`.
 */
import { z } from 'zod';
import { type Command, CommandError } from './backend.ts';

/** Upstash's limit for one request and for one response. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** Lone surrogates have no UTF-8 form; they become U+FFFD here so that every store sees the same text. */
const argument = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((value) => String(value).toWellFormed());

const command = z.tuple([argument], argument).transform(([name, ...parameters]): Command => {
  return [name.toUpperCase(), ...parameters];
});

const commandList = z.array(command).min(1);

/** @throws CommandError for a body that is no command */
export function parseCommand(body: Buffer): Command {
  const parsed = command.safeParse(parseJson(body));
  if (!parsed.success) throw new CommandError('ERR failed to parse command');
  return parsed.data;
}

/** @throws CommandError for a body that is no list of commands, or an empty one */
export function parseCommandList(body: Buffer): readonly Command[] {
  const parsed = commandList.safeParse(parseJson(body));
  if (!parsed.success) throw new CommandError('ERR failed to parse pipeline request');
  return parsed.data;
}

/** The query of `POST /set/key?EX=60&NX` as the words that follow the value: `EX 60 NX`. */
export function parseSetOptions(url: string): readonly string[] {
  const query = url.split('?', 2)[1] ?? '';
  return [...new URLSearchParams(query)].flat().filter((word) => word !== '');
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

export function sizeError(actualBytes: number): CommandError {
  return new CommandError(
    `ERR max request size exceeded. Limit: ${MAX_MESSAGE_BYTES} bytes, Actual: ${actualBytes} bytes`,
  );
}
