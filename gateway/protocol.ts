/**
 * Upstash's REST protocol (https://upstash.com/docs/redis/features/restapi): commands as JSON arrays, responses as
 * `{"result": …}` or `{"error": …}`.
 */
import { isAscii } from 'node:buffer';
import { z } from 'zod';
import { type Command, CommandError, type Reply } from './backend.ts';
import { LongText } from './long-text.ts';

/** Upstash's limit for one request and for one response. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** Longer text is written in pieces. */
const LONG_BYTES = 32 * 1024;

export type CommandResponse = { readonly result: unknown } | { readonly error: string };

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

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** @param base64 for `Upstash-Encoding: base64`: every string except a plain OK is encoded */
export function toResponse(reply: Reply, base64: boolean): CommandResponse {
  if (reply instanceof CommandError) return { error: reply.message };
  if (isText(reply) && reply.toString() === 'OK') return { result: 'OK' };
  return { result: encode(reply, base64) };
}

/** Inside a list OK is encoded too, and an error is its text: there the client takes every string for a value. */
function encode(reply: Reply, base64: boolean): unknown {
  if (reply === null || typeof reply === 'number') return reply;
  if (reply instanceof CommandError) return encode(reply.message, base64);
  if (Buffer.isBuffer(reply) && isLong(reply) && (base64 || isAscii(reply)))
    return new LongText(reply, base64);
  if (isText(reply)) return base64 ? Buffer.from(reply).toString('base64') : reply.toString();
  return reply.map((item) => encode(item, base64));
}

function isLong({ length }: Buffer): boolean {
  return length >= LONG_BYTES;
}

function isText(reply: Reply): reply is string | Buffer {
  return typeof reply === 'string' || Buffer.isBuffer(reply);
}

export function sizeError(actualBytes: number): CommandError {
  return new CommandError(
    `ERR max request size exceeded. Limit: ${MAX_MESSAGE_BYTES} bytes, Actual: ${actualBytes} bytes`,
  );
}
