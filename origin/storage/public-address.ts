import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { StorageError } from './storage.ts';

/**
 * Whether an address is one of the public internet. Loopback, private, link-local (where clouds respond with
 * credentials), multicast, reserved and tunnelled addresses are not; neither is an IPv4 address behind a name of IPv6.
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/** @throws Error for a text that is no network in CIDR notation, as in `10.0.0.0/8` */
export function parseNetwork(text: string): Network {
  return ipaddr.parseCIDR(text);
}

/** Allows addresses of the public internet, and of these networks. */
export function allowing(networks: readonly Network[]): (address: string) => boolean {
  const isIn = (address: string, [first, bits]: Network) => {
    const parsed = ipaddr.process(address);
    return parsed.kind() === first.kind() && parsed.match(first, bits);
  };
  return (address) =>
    isPublicAddress(address) ||
    (ipaddr.isValid(address) && networks.some((network) => isIn(address, network)));
}

/** @throws StorageError `forbidden` for a host that is an address which is not allowed */
export function checkHost(hostname: string, isAllowed: (address: string) => boolean): void {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(literal) !== 0 && !isAllowed(literal)) throw forbidden(hostname);
}

export type Network = ReturnType<typeof ipaddr.parseCIDR>;

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * A `lookup` for sockets that fails when any address of a name is not allowed. The connection goes to an address that
 * was checked: the name is not resolved a second time, when it could lead elsewhere.
 */
export function guardedLookup(isAllowed: (address: string) => boolean) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const [first] = addresses;
      if (!first || addresses.some(({ address }) => !isAllowed(address))) {
        return callback(forbidden(hostname), []);
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(hostname: string): StorageError {
  return new StorageError('forbidden', `${hostname} is not on the public internet.`);
}
