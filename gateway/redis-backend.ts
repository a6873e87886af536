import { Redis } from 'ioredis';
import { type Backend, BackendUnavailableError, CommandError, type Reply } from './backend.ts';
import { refusal } from './refused-commands.ts';

/** Longest time a command, or connecting, may take; a silent Redis is then given up and connected to anew. */
const TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;

export interface RedisBackendOptions {
  /** As in `redis://127.0.0.1:6379`. */
  readonly url: string;
  /** Called on each change, not on each failed attempt. */
  readonly onStateChange?: (state: 'ready' | 'lost', reason?: string) => void;
}

/** A real Redis. Fails at once while it cannot be reached, and connects again by itself. */
export function createRedisBackend({ url, onStateChange }: RedisBackendOptions): Backend {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS),
  });
  reportStateChanges(redis, onStateChange);

  return {
    name: 'redis',

    async pipeline(commands) {
      const refusals = commands.map(refusal);
      const accepted = commands.filter((_, index) => refusals[index] === undefined);
      const replies = await send(redis.pipeline(), accepted);
      return refusals.map((refused) => refused ?? replies.shift() ?? null);
    },

    async setBytes(key, value, options) {
      const [reply = null] = await send(redis.pipeline(), [['SET', key, value, ...options]]);
      return reply;
    },

    async transaction(commands) {
      const refused = commands.map(refusal).find((error) => error !== undefined);
      if (refused !== undefined) return refused;
      try {
        return await send(redis.multi(), commands);
      } catch (error) {
        if (error instanceof CommandError) return error;
        throw error;
      }
    },

    async isReady() {
      return redis.status === 'ready' && (await redis.ping().catch(() => undefined)) === 'PONG';
    },

    async close() {
      redis.disconnect();
    },
  };
}

/** @throws CommandError when a transaction was discarded, BackendUnavailableError */
async function send(
  batch: ReturnType<Redis['pipeline']>,
  commands: readonly (readonly [name: string, ...parameters: (string | Buffer)[]])[],
): Promise<Reply[]> {
  for (const [name, ...parameters] of commands) batch.callBuffer(name, ...parameters);
  const outcomes = await batch.exec().catch((error: unknown) => {
    throw toOurError(error);
  });
  return (outcomes ?? []).map(([error, reply]) => (error === null ? toReply(reply) : toReplyError(error)));
}

function toReplyError(error: unknown): CommandError {
  const ours = toOurError(error);
  if (ours instanceof CommandError) return ours;
  throw ours;
}

/** A discarded transaction is reported by the first of its commands that Redis did not accept. */
function toOurError(error: unknown): CommandError | BackendUnavailableError {
  if (!(error instanceof Error && error.name === 'ReplyError')) {
    return new BackendUnavailableError('Redis does not respond', { cause: error });
  }
  const [first = error] = previousErrors(error);
  return new CommandError(first.message);
}

function previousErrors(error: Error): Error[] {
  if (!('previousErrors' in error) || !Array.isArray(error.previousErrors)) return [];
  return error.previousErrors.filter((previous) => previous instanceof Error);
}

function toReply(reply: unknown): Reply {
  if (reply === null || typeof reply === 'number' || typeof reply === 'string' || Buffer.isBuffer(reply)) {
    return reply;
  }
  if (Array.isArray(reply)) return reply.map(toReply);
  if (reply instanceof Error) return toReplyError(reply);
  throw new Error(`Redis gave a reply of an unexpected kind: ${typeof reply}`);
}

function reportStateChanges(redis: Redis, onStateChange: RedisBackendOptions['onStateChange']): void {
  let state: 'ready' | 'lost' | undefined;
  const change = (next: 'ready' | 'lost', reason?: string) => {
    if (next !== state) onStateChange?.(next, reason);
    state = next;
  };
  redis.on('ready', () => change('ready'));
  redis.on('close', () => change('lost'));
  redis.on('error', (error: Error) => change('lost', error.message));
}
