import type { EdgeContext } from '../context.ts';

/** A client without a known address shares its quota with all others of that kind. */
const UNKNOWN = 'unknown';
const LONGEST_ADDRESS = 64;

/**
 * The network that a request comes from: an IPv4 address, or the /64 of an IPv6 one, which is what one subscriber
 * has. Read from the header that a trusted proxy sets, the last one where it is a list, or else from the connection.
 */
export function clientNetwork(context: EdgeContext, header: string | undefined): string {
  const address = header
    ? context.req.header(header)?.split(',').at(-1)?.trim()
    : withoutPort(context.env.peerAddress());
  return address ? networkOf(address) : UNKNOWN;
}

/** `127.0.0.1:8787` → `127.0.0.1`, `[::1]:8787` → `::1`. */
function withoutPort(address = ''): string {
  return address.replace(/^\[(.+)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}

const MAPPED_IPV4 = /^::ffff:([\d.]+)$/i;

/** @param address as an HTTP header or a socket gives it; other text is taken as it is */
export function networkOf(address: string): string {
  const ipv4 = MAPPED_IPV4.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  if (!address.includes(':')) return address.slice(0, LONGEST_ADDRESS);
  const [head = '', tail] = address.slice(0, LONGEST_ADDRESS).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  const network = groups.slice(0, 4).map((group) => (Number.parseInt(group, 16) || 0).toString(16));
  return `${network.join(':')}::/64`;
}
