/** How Redis reads the arguments of its commands, with its own error texts (Redis 7, `src/object.c`, `src/util.c`). */
import { CommandError } from '../backend.ts';

export const SYNTAX_ERROR = 'ERR syntax error';
const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
const OVERFLOW = 'ERR increment or decrement would overflow';

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** Redis takes no plus sign, no leading zeros and no spaces. @throws CommandError */
export function toInteger(text: string, message = NOT_AN_INTEGER): bigint {
  const value = /^(0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < MIN_INT64 || value > MAX_INT64) throw new CommandError(message);
  return value;
}

/** @throws CommandError when the sum leaves the 64-bit range */
export function addIntegers(a: bigint, b: bigint): bigint {
  const sum = a + b;
  if (sum < MIN_INT64 || sum > MAX_INT64) throw new CommandError(OVERFLOW);
  return sum;
}

const UNIT_MS = { seconds: 1000n, milliseconds: 1n };

/** A time to live in ms; zero and less are left to the caller. @throws CommandError for what Redis could not store */
export function toMilliseconds(text: string, unit: keyof typeof UNIT_MS, commandName: string): number {
  const milliseconds = toInteger(text) * UNIT_MS[unit];
  const end = milliseconds + BigInt(Date.now());
  if (milliseconds < MIN_INT64 || end > MAX_INT64) throw invalidExpireTime(commandName);
  return Number(milliseconds);
}

export function invalidExpireTime(commandName: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${commandName}' command`);
}

export function wrongArity(commandName: string): CommandError {
  return new CommandError(`ERR wrong number of arguments for '${commandName.toLowerCase()}' command`);
}
