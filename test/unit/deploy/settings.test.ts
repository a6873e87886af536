import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import * as edge from '../../../edge/configuration.ts';
import { configurationSchema as gatewaySchema } from '../../../gateway/configuration.ts';
import {
  jobServiceSettingsSchema,
  parseJobServiceConfiguration,
  parseWorkerConfiguration,
  workerSettingsSchema,
} from '../../../origin/bulk/configuration.ts';
import * as origin from '../../../origin/configuration.ts';
import { configurationPage } from '../../../tools/document-configuration.ts';
import { readCompose } from '../../containers/compose-file.ts';

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const example = read('.env.example');
const compose = read('docker-compose.yml');

/** What only docker-compose.yml reads. */
const COMPOSE_ONLY = ['GRAFANA_PORT', 'JOBS_DATA', 'ORIGIN_MEMORY_LIMIT', 'ORIGIN_REPLICAS'];

/** Settings that stand as property names in a source file, as in `ORIGIN_PORT: integer(0, 65_535)`. */
function settingsIn(file: string): string[] {
  const names = Array.from(read(file).matchAll(/^ +([A-Z][A-Z0-9_]+):/gm), ([, name = '']) => name);
  expect(names, file).not.toEqual([]);
  return names;
}

const edgeSettings = settingsIn('edge/configuration.ts');
const originSettings = settingsIn('origin/configuration.ts');
const gatewaySettings = settingsIn('gateway/configuration.ts');
const startSettings = [...settingsIn('tools/local-service.ts'), ...settingsIn('tools/jobs.ts')];
const bulkSettings = settingsIn('origin/bulk/configuration.ts');

/** As if every line that shows a default were not commented out. */
const exampleInFull = parseEnv(example.replaceAll(/^# (?=[A-Z0-9_]+=)/gm, ''));

/** The lines of each service of docker-compose.yml. */
const services = new Map(
  compose
    .slice(compose.indexOf('\nservices:\n'), compose.indexOf('\nnetworks:\n'))
    .split(/^ {2}(?=\S+:$)/m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf(':')), text]),
);

function service(name: string): string {
  const text = services.get(name);
  if (text === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return text;
}

test('.env.example names every setting of every process once, and no other', () => {
  const all = [
    ...edgeSettings,
    ...originSettings,
    ...bulkSettings,
    ...gatewaySettings,
    ...startSettings,
    ...COMPOSE_ONLY,
  ];
  const named = Array.from(example.matchAll(/^(?:# )?([A-Z0-9_]+)=/gm), ([, name]) => name);
  expect(named.toSorted()).toEqual([...new Set(all)].toSorted());
});

test('.env.example shows the defaults that the processes have', () => {
  const secrets = { ORIGIN_SECRET: 'x'.repeat(32), REDIS_REST_TOKEN: 'token' };
  const needed = {
    ...secrets,
    UPSTASH_REDIS_REST_URL: 'https://redis.example',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    ORIGIN_URL: 'https://origin.example',
    EXTRACTOR: exampleInFull.EXTRACTOR,
  };
  const shown = { ...exampleInFull, ...needed };
  expect(edge.parseConfiguration(shown)).toEqual(edge.parseConfiguration(needed));
  expect(origin.parseConfiguration(shown)).toEqual(origin.parseConfiguration(needed));
  const index = { ...secrets, JOBS_INDEX: '/index' };
  expect(parseJobServiceConfiguration({ ...shown, ...index })).toEqual(parseJobServiceConfiguration(index));
  const given = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== ''));
  expect(gatewaySchema.parse(given)).toEqual(gatewaySchema.parse(secrets));
});

test('Compose hands all settings on and reads none that .env.example does not name', () => {
  // Address and port are the image's; a container's log goes to Docker, which rotates it; origins write to Redis over TCP.
  const overRest = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'];
  const notHandedOn = ['ORIGIN_HOST', 'ORIGIN_PORT', 'ORIGIN_METRICS_PORT', 'LOG_FILE', ...overRest];
  for (const name of edgeSettings) expect(service('edge')).toContain(` ${name}:`);
  for (const name of originSettings.filter((name) => !notHandedOn.includes(name))) {
    expect(service('origin')).toContain(` ${name}:`);
  }
  const interpolated = Array.from(compose.matchAll(/\$\{([A-Z0-9_]+)/g), ([, name]) => name);
  expect(Object.keys(exampleInFull)).toEqual(expect.arrayContaining(interpolated));
});

test('Compose hands all settings of bulk jobs on, and values that job service and workers take', () => {
  const variables = {
    ORIGIN_SECRET: 'x'.repeat(32),
    REDIS_REST_TOKEN: 'token',
    JOBS_WEBHOOK_SECRET: 'y'.repeat(24),
  };
  const composed = readCompose(variables);
  // A NATS inside of Compose has one server, which asks for no token.
  const notHandedOn = ['NATS_TOKEN', 'NATS_REPLICAS'];
  const ofWorkers = [
    'WORKER_HOST',
    'WORKER_PORT',
    'REDIS_URL',
    'SIFT_ENGINE',
    'ORIGIN_THREADS',
    'ORIGIN_MEMORY_BYTES',
  ];
  const wanted = {
    'job-service': Object.keys(jobServiceSettingsSchema.shape),
    worker: [...Object.keys(workerSettingsSchema.shape), ...ofWorkers, 'MAX_IMAGE_BYTES', 'MAX_IMAGE_PIXELS'],
  };
  const parsers = { 'job-service': parseJobServiceConfiguration, worker: parseWorkerConfiguration };
  for (const name of ['job-service', 'worker'] as const) {
    const environment = composed.get(name)?.environment ?? {};
    const missing = wanted[name].filter((key) => !(key in environment) && !notHandedOn.includes(key));
    expect(missing, name).toEqual([]);
    const given = Object.entries(environment).map(([key, value]) => [key, value ?? '']);
    const configuration = parsers[name](Object.fromEntries(given));
    expect(configuration.queue.servers, name).toEqual(['nats://nats:4222']);
    expect(configuration.stores.folders, name).toEqual(['/data']);
    expect(composed.get(name)?.networks, name).toEqual(expect.arrayContaining(['jobs', 'outside']));
    expect(composed.get(name)?.profiles, name).toEqual(['jobs']);
  }
  const worker = parseWorkerConfiguration({ ...composed.get('worker')?.environment, ...variables } as Record<
    string,
    string
  >);
  expect(service('worker')).toContain(`127.0.0.1:${worker.listen?.port}/health/ready`);
  expect(service('job-service')).toContain(':8070/health/ready');
  expect(worker.cache?.url).toBe('redis://redis:6379');
  expect(composed.get('worker')?.networks).toContain('redis');
  // The edge reaches the job service by the name and the port that docs/bulk-jobs.md names.
  expect(read('docs/bulk-jobs.md')).toContain('http://job-service:8070');
  const shared = composed
    .get('edge')
    ?.networks.filter((one) => composed.get('job-service')?.networks.includes(one));
  expect(shared).toContain('extraction');
});

test('Compose publishes the edge and Grafana alone, and to this machine alone', () => {
  const published = [...services.keys()].filter((name) => service(name).includes('ports:'));
  expect(published).toEqual(['edge', 'grafana']);
  for (const name of published) expect(service(name)).toMatch(/ports: \[["']127\.0\.0\.1:[^'",]+["']\]/);
  expect(compose).not.toContain('network_mode');
});

test('the Worker in workerd has the settings and the compatibility date of the one on Cloudflare', () => {
  const workerd = read('tools/worker/workerd.capnp');
  const bindings = Array.from(workerd.matchAll(/fromEnvironment = "([A-Z0-9_]+)"/g), ([, name = '']) => name);
  expect(bindings.toSorted()).toEqual(edgeSettings.toSorted());
  const [, date = ''] = /^compatibility_date = "(.+)"$/m.exec(read('wrangler.toml')) ?? [];
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(workerd).toContain(`compatibilityDate = "${date}"`);
});

test('the load balancer waits longer than any edge, and .env.example names the longest wait', () => {
  const [, longest = ''] = /at most (\d+)\.\n# ORIGIN_TIMEOUT_MS=/.exec(example) ?? [];
  const withTimeout = (milliseconds: number) => ({
    UPSTASH_REDIS_REST_URL: 'https://redis.example',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    ORIGIN_URL: 'https://origin.example',
    ORIGIN_SECRET: 'x'.repeat(32),
    EXTRACTOR: exampleInFull.EXTRACTOR,
    ORIGIN_TIMEOUT_MS: String(milliseconds),
  });
  const longestMs = Number(longest);
  expect(edge.parseConfiguration(withTimeout(longestMs)).ORIGIN_TIMEOUT_MS).toBe(longestMs);
  expect(() => edge.parseConfiguration(withTimeout(longestMs + 1))).toThrow('ORIGIN_TIMEOUT_MS');
  const haproxy = read('deploy/load-balancer/haproxy.cfg');
  for (const side of ['client', 'server']) {
    const [, seconds] = new RegExp(`^ +timeout ${side} (\\d+)s$`, 'm').exec(haproxy) ?? [];
    expect(Number(seconds) * 1000, `timeout ${side}`).toBeGreaterThanOrEqual(longestMs + 2000);
  }
});

test('docs/configuration.md is what the schemas say', () => {
  expect(read('docs/configuration.md')).toBe(configurationPage());
});
