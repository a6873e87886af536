import { type Command, CommandError } from './backend.ts';

/**
 * Commands that change the connection all clients share, block it, or stop the server, as Upstash refuses them over
 * REST; and scripts, which can block Redis for everyone.
 */
const REFUSED = new Set([
  ...['AUTH', 'HELLO', 'SELECT', 'QUIT', 'RESET', 'CLIENT', 'READONLY', 'READWRITE', 'ASKING'],
  ...['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH'],
  ...['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE', 'MONITOR'],
  ...['BLPOP', 'BRPOP', 'BLMOVE', 'BLMPOP', 'BRPOPLPUSH', 'BZPOPMIN', 'BZPOPMAX', 'BZMPOP'],
  ...['XREAD', 'XREADGROUP', 'WAIT', 'WAITAOF'],
  ...['SHUTDOWN', 'DEBUG', 'CONFIG', 'MODULE', 'ACL', 'CLUSTER', 'FAILOVER', 'REPLICAOF', 'SLAVEOF'],
  ...['EVAL', 'EVAL_RO', 'EVALSHA', 'EVALSHA_RO', 'SCRIPT', 'FUNCTION', 'FCALL', 'FCALL_RO'],
  ...['SYNC', 'PSYNC', 'REPLCONF', 'SAVE', 'BGSAVE', 'BGREWRITEAOF'],
]);

export function refusal([name]: Command): CommandError | undefined {
  return REFUSED.has(name) ? new CommandError(`ERR Command is not available: '${name}'`) : undefined;
}
