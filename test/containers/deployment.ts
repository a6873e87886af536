import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { findExecutable } from '../../tools/set-up/executables.ts';
import { buildah, buildahLine, CHROOT } from './buildah.ts';
import { run } from './command.ts';
import { type ComposeService, readCompose } from './compose-file.ts';
import { type Host, PrivateNetwork } from './private-network.ts';

const inspectionSchema = z.object({
  OCIv1: z.object({
    config: z.object({
      Entrypoint: z.array(z.string()).default([]),
      Cmd: z.array(z.string()).default([]),
      User: z.string().default(''),
    }),
  }),
  Docker: z.object({
    config: z.object({ Healthcheck: z.object({ Test: z.array(z.string()) }).optional() }),
  }),
});

/** What an image says of itself. */
export async function inspectImage(target: string) {
  const { OCIv1, Docker } = inspectionSchema.parse(
    JSON.parse(await buildah('inspect', '--type=image', imageOf(target))),
  );
  const [kind, ...healthCheck] = Docker.config.Healthcheck?.Test ?? [];
  if (kind !== 'CMD') throw new Error(`${target} has no health check that runs without a shell`);
  const { Entrypoint, Cmd, User } = OCIv1.config;
  return { entrypoint: Entrypoint, command: Cmd, user: User, healthCheck };
}

export function imageOf(target: string): string {
  return `localhost/edgesift-${target}`;
}

/** Builds one image of deploy/Dockerfile, or takes what is still there of an earlier build. */
export async function buildImage(target: string): Promise<void> {
  await buildah(
    'build',
    ...CHROOT,
    '--pull-never',
    '--layers',
    // The other one drops health checks.
    '--format=docker',
    `--target=${target}`,
    '--file=deploy/Dockerfile',
    `--tag=${imageOf(target)}`,
    fileURLToPath(new URL('../../', import.meta.url)),
  );
}

export interface RunningService {
  readonly host: Host;
  /** Of our own images; others run as programs of this machine. */
  readonly container: string | undefined;
  readonly child: ChildProcess;
}

/**
 * The services of docker-compose.yml with its own settings, each on a host of its own. Ours run from their images;
 * Redis and HAProxy are this machine's, with Compose's command and configuration.
 */
export class Deployment {
  readonly #network = new PrivateNetwork(`es${process.pid % 10_000}n`);
  readonly #services: ReadonlyMap<string, ComposeService>;
  readonly #hosts = new Map<string, Host[]>();
  readonly #running: RunningService[] = [];
  #folder = '';

  constructor(variables: Record<string, string>) {
    this.#services = readCompose(variables);
  }

  /** Makes the network, with the hosts of all that will run. */
  async open(replicas: Record<string, number>): Promise<void> {
    this.#folder = await mkdtemp(path.join(tmpdir(), 'edgesift-compose-'));
    await this.#network.open();
    for (const [name, count] of Object.entries(replicas)) {
      const hosts: Host[] = [];
      for (let index = 0; index < count; index += 1) hosts.push(await this.#network.addHost(name));
      this.#hosts.set(name, hosts);
    }
  }

  hostsOf(name: string): readonly Host[] {
    return this.#hosts.get(name) ?? [];
  }

  /** A service of our own, on each of its hosts. */
  async startFromImage(name: string): Promise<RunningService[]> {
    const { build, environment, volumes, command } = this.#service(name);
    if (build === undefined) throw new Error(`${name} has no image of ours`);
    const image = await inspectImage(build.target);
    const names = [...this.#hosts].map(([other, [host]]) => `--add-host=${other}:${host?.address}`);
    const started: RunningService[] = [];
    for (const host of this.hostsOf(name)) {
      const container = await buildah('from', '--pull-never', ...names, imageOf(build.target));
      const settings = Object.entries(environment).flatMap(([key, value]) =>
        // What has no value is not set, as with Compose.
        value === null ? [] : [`--env=${key}=${value}`],
      );
      const mounts = volumes.map((volume) => `--volume=${volume}`);
      const program = [...image.entrypoint, ...(command ?? image.command)];
      const line = buildahLine('run', ...CHROOT, ...settings, ...mounts, container, '--', ...program);
      started.push(this.#start(host, container, [...host.enter, ...line]));
    }
    return started;
  }

  /** Compose's command, except for what the official image sets beside it. */
  async startRedis(): Promise<void> {
    const [host] = this.hostsOf('redis');
    const { command = [] } = this.#service('redis');
    if (host === undefined) throw new Error('Redis has no host');
    this.#start(host, undefined, [
      ...host.enter,
      ...command,
      ...['--protected-mode', 'no', '--dir', this.#folder],
    ]);
  }

  /** Compose's command, which the official image puts behind its program; its volume is a folder of the test. */
  async startNats(): Promise<void> {
    const [host] = this.hostsOf('nats');
    const nats = findExecutable('nats-server', '../sbin/nats-server');
    if (host === undefined || nats === undefined) throw new Error('NATS is missing');
    const { command = [] } = this.#service('nats');
    const parameters = command.map((word) => (word === '/data' ? path.join(this.#folder, 'nats') : word));
    this.#start(host, undefined, [...host.enter, nats, ...parameters]);
  }

  /** deploy/load-balancer/haproxy.cfg as it is; its name server is one that knows the origins, as Docker's would. */
  async startLoadBalancer(): Promise<void> {
    const [host] = this.hostsOf('load-balancer');
    const haproxy = findExecutable('haproxy', '../sbin/haproxy');
    if (host === undefined || haproxy === undefined) throw new Error('HAProxy is missing');
    const nameServer = fileURLToPath(new URL('name-server-process.ts', import.meta.url));
    const origins = this.hostsOf('origin').map(({ address }) => address);
    this.#start(host, undefined, [...host.enter, process.execPath, nameServer, ...origins]);
    const configuration = path.join(this.#folder, 'haproxy.cfg');
    await copyFile(new URL('../../deploy/load-balancer/haproxy.cfg', import.meta.url), configuration);
    const { ORIGINS } = this.#service('load-balancer').environment;
    this.#start(host, undefined, [
      ...host.enter,
      'env',
      `ORIGINS=${ORIGINS}`,
      haproxy,
      '-db',
      '-f',
      configuration,
    ]);
  }

  /** Runs a program in the container of a service, as `docker exec` does, and gives its output. */
  async execute({ host, container }: RunningService, ...command: readonly string[]): Promise<string> {
    if (container === undefined) throw new Error(`${host.name} runs outside a container`);
    const [program = '', ...rest] = [
      ...host.enter,
      ...buildahLine('run', ...CHROOT, container, '--', ...command),
    ];
    return (await run(program, rest)).trim();
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((service) => stop(service, 'SIGKILL')));
    for (const { container } of this.#running) {
      if (container !== undefined) await buildah('rm', container).catch(() => undefined);
    }
    await this.#network.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #service(name: string): ComposeService {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  #start(host: Host, container: string | undefined, line: readonly string[]): RunningService {
    const [program = '', ...rest] = line;
    const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    const service = { host, container, child };
    this.#running.push(service);
    return service;
  }
}

/**
 * Ends a service: SIGKILL all of its processes, another signal the first process of its container, as container engines
 * do. Returns when it has ended.
 */
export async function stop({ child, container }: RunningService, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  for (const { pid, name } of [{ pid: child.pid, name: '' }, ...(await descendants(child.pid))]) {
    const isFirst = container === undefined ? pid === child.pid : name === 'tini';
    if (signal === 'SIGKILL' || isFirst) killIfThere(pid, signal);
  }
  await exited;
}

async function descendants(parent: number): Promise<{ pid: number; name: string }[]> {
  const lines = (await run('ps', ['-eo', 'pid=,ppid=,comm='])).trim().split('\n');
  const all = lines.map((line) => {
    const [pid, ppid, name = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), ppid: Number(ppid), name };
  });
  const below = (pid: number): typeof all =>
    all.filter(({ ppid }) => ppid === pid).flatMap((process) => [process, ...below(process.pid)]);
  return below(parent);
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended since.
  }
}
