import type { EdgeContext } from '../context.ts';
import { clientNetwork } from './client-address.ts';

/** Whose work a request is: the client whose quota it uses, else the API key, else the network that it comes from. */
export function clientIdentity(context: EdgeContext): string {
  const keyId = context.get('apiKeyId');
  const known = context.get('rateLimitClient') ?? (keyId === undefined ? undefined : `key:${keyId}`);
  return known ?? `network:${clientNetwork(context, undefined)}`;
}
