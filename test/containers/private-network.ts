import { mkdir, rm, writeFile } from 'node:fs/promises';
import { run } from './command.ts';

const SUBNET = '10.213.77';
const GATEWAY = `${SUBNET}.1`;

/** A machine of its own on the network, as a container would be. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** Put before a command so that it runs there. */
  readonly enter: readonly string[];
}

/** One bridge with a network namespace for each process, as container engines make them. */
export class PrivateNetwork {
  readonly #prefix: string;
  readonly #bridge: string;
  readonly #hosts: Host[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#bridge = `${prefix}br`;
  }

  async open(): Promise<void> {
    await run('ip', ['link', 'add', this.#bridge, 'type', 'bridge']);
    await run('ip', ['address', 'add', `${GATEWAY}/24`, 'dev', this.#bridge]);
    await run('ip', ['link', 'set', this.#bridge, 'up']);
  }

  async addHost(name: string): Promise<Host> {
    const number = this.#hosts.length + 2;
    const namespace = `${this.#prefix}${number}`;
    const host = {
      name,
      address: `${SUBNET}.${number}`,
      enter: ['ip', 'netns', 'exec', namespace],
    };
    this.#hosts.push(host);
    await run('ip', ['netns', 'add', namespace]);
    // As in Docker's containers; `ip netns exec` puts it in the place of /etc/resolv.conf.
    await mkdir(settingsOf(namespace), { recursive: true });
    await writeFile(`${settingsOf(namespace)}/resolv.conf`, 'nameserver 127.0.0.11\n');
    const outside = `${namespace}o`;
    await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
    await run('ip', ['link', 'set', outside, 'master', this.#bridge, 'up']);
    const inside = async (...parameters: readonly string[]) => {
      await run('ip', ['-n', namespace, ...parameters]);
    };
    await inside('address', 'add', `${host.address}/24`, 'dev', 'eth0');
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'set', 'eth0', 'up');
    return host;
  }

  async close(): Promise<void> {
    for (const [index] of this.#hosts.entries()) {
      const namespace = `${this.#prefix}${index + 2}`;
      await run('ip', ['netns', 'delete', namespace]).catch(() => undefined);
      await rm(settingsOf(namespace), { recursive: true, force: true });
    }
    await run('ip', ['link', 'delete', this.#bridge]).catch(() => undefined);
  }
}

function settingsOf(namespace: string): string {
  return `/etc/netns/${namespace}`;
}
