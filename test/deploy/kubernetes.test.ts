import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { configurationSchema as edgeSettings } from '../../edge/configuration.ts';
import { configurationSchema as gatewaySettings } from '../../gateway/configuration.ts';
import { jobServiceSettingsSchema, workerSettingsSchema } from '../../origin/bulk/configuration.ts';
import { createWorkerMetrics } from '../../origin/bulk/worker-metrics.ts';
import { settingsSchema as originSettings } from '../../origin/configuration.ts';
import { createMetrics } from '../../origin/observability/metrics.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const OVERLAYS = ['minimal', 'production'];

/** Components, and so the production overlay, need Kustomize 3.7, which kubectl has from 1.21 on. */
const canRun =
  spawnSync('kubectl', ['kustomize', path.join(root, 'deploy/kubernetes/overlays/production')]).status === 0;
if (!canRun) process.stderr.write('SKIPPED: tests of deploy/kubernetes, which need kubectl 1.21 or newer\n');

const resources = z.record(z.string(), z.union([z.string(), z.number()])).optional();
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }).optional(),
  tcpSocket: z.object({ port: z.string() }).optional(),
  exec: z.object({ command: z.array(z.string()) }).optional(),
});
const container = z.object({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  resources: z.object({ requests: resources, limits: resources }),
  securityContext: z.unknown(),
});
const workload = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        automountServiceAccountToken: z.boolean().optional(),
        terminationGracePeriodSeconds: z.number().default(30),
        securityContext: z.unknown(),
        containers: z.array(container),
      }),
    }),
  }),
});
type Workload = z.infer<typeof workload>;
type Container = z.infer<typeof container>;

const selector = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .optional(),
});

/** Whether a selector is about the pods of this name, and not about all. */
function selects(
  { matchLabels = {}, matchExpressions = [] }: z.infer<typeof selector>,
  name: string,
): boolean {
  const key = 'app.kubernetes.io/name';
  return (
    matchLabels[key] === name ||
    matchExpressions.some((expression) => expression.key === key && expression.values.includes(name))
  );
}

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
});
type Manifest = z.infer<typeof manifest>;

const built = new Map<string, Manifest[]>();

function build(overlay: string): Manifest[] {
  const present = built.get(overlay) ?? runKustomize(overlay);
  built.set(overlay, present);
  return present;
}

function runKustomize(overlay: string): Manifest[] {
  const { status, stdout, stderr } = spawnSync(
    'kubectl',
    ['kustomize', path.join(root, 'deploy/kubernetes/overlays', overlay)],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => manifest.parse(document.toJS()));
}

function ofKind(manifests: readonly Manifest[], ...kinds: readonly string[]): Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
}

function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return ofKind(manifests, 'Deployment', 'StatefulSet').map((found) => workload.parse(found));
}

/** Where the types of a manifest's API are. */
function typesOf(apiVersion: string): string {
  if (apiVersion.startsWith('keda.sh/')) return `@kubernetes-models/keda/${apiVersion}`;
  if (apiVersion.startsWith('monitoring.coreos.com/')) {
    return `@kubernetes-models/prometheus-operator/${apiVersion}`;
  }
  return `kubernetes-models/${apiVersion}`;
}

/** The compiler knows the API's types, and unlike the API's schemas it refuses fields that they do not have. */
function compilerProblems(manifests: readonly Manifest[]): string {
  const folder = path.join(root, 'build', 'kubernetes');
  mkdirSync(folder, { recursive: true });
  const lines = manifests.map(
    ({ apiVersion, kind, ...rest }, index) =>
      `import type { I${kind} as T${index} } from '${typesOf(apiVersion)}';\n` +
      `export const ${kind}${index}: T${index} = ${JSON.stringify({ apiVersion, kind, ...rest })};\n`,
  );
  writeFileSync(path.join(folder, 'manifests.ts'), lines.join(''));
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', types: [] },
      include: ['manifests.ts'],
    }),
  );
  return spawnSync('tsc', ['--project', folder, '--pretty', 'false'], { encoding: 'utf8' }).stdout;
}

describe.skipIf(!canRun).each(OVERLAYS)('overlay %s', (overlay) => {
  let manifests: Manifest[] = [];
  let workloads: Workload[] = [];
  const everyContainer = () => workloads.flatMap(({ spec }) => spec.template.spec.containers);
  beforeAll(() => {
    manifests = build(overlay);
    workloads = workloadsOf(manifests);
  });

  test("fits the types of Kubernetes', KEDA's and the Prometheus operator's APIs", () => {
    expect(compilerProblems(manifests)).toBe('');
    const [first, ...others] = manifests;
    expect(
      compilerProblems([{ ...first, metadata: { name: 'x' }, spec: { nonsense: 1 } } as Manifest, ...others]),
    ).toContain('nonsense');
  });

  test('every pod keeps to the restricted policy and to more than it', () => {
    for (const { metadata, spec } of workloads) {
      const pod = spec.template.spec;
      expect(pod.automountServiceAccountToken, metadata.name).toBe(false);
      expect(pod.securityContext, metadata.name).toMatchObject({
        runAsNonRoot: true,
        runAsUser: expect.any(Number),
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { name, securityContext } of pod.containers) {
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('every container has an image of a version, requests and a limit of memory', () => {
    for (const { name, image, resources: given } of everyContainer()) {
      expect(image, name).toMatch(/:[^:]+$/);
      expect(Object.keys(given.requests ?? {}).toSorted(), name).toEqual(['cpu', 'memory']);
      expect(given.limits?.memory, name).toBeDefined();
    }
  });

  test('probes and services use ports that the containers have', () => {
    for (const { name, ports, ...probes } of everyContainer()) {
      const names = ports.map((port) => port.name);
      for (const found of [probes.startupProbe, probes.livenessProbe, probes.readinessProbe]) {
        const port = found?.httpGet?.port ?? found?.tcpSocket?.port;
        if (port !== undefined) expect(names, name).toContain(port);
      }
      if (ports.some((port) => port.name !== 'metrics')) {
        expect(probes.livenessProbe, name).toBeDefined();
        expect(probes.readinessProbe, name).toBeDefined();
      }
    }
    const services = z
      .array(
        z.object({
          spec: z.object({
            selector: z.record(z.string(), z.string()),
            ports: z.array(z.object({ targetPort: z.string() })),
          }),
        }),
      )
      .parse(ofKind(manifests, 'Service'));
    for (const { spec } of services) {
      const selected = workloads.filter(({ spec: { template } }) =>
        Object.entries(spec.selector).every(([key, value]) => template.metadata.labels[key] === value),
      );
      expect(selected).toHaveLength(1);
      const ports = selected.flatMap(({ spec: { template } }) =>
        template.spec.containers.flatMap((found) => found.ports.map(({ name }) => name)),
      );
      for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
    }
  });

  test('every workload has a network policy, and a disruption budget where it has replicas', () => {
    const policies = z
      .array(z.object({ spec: z.object({ podSelector: selector }) }))
      .parse(ofKind(manifests, 'NetworkPolicy'));
    const budgets = ofKind(manifests, 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
    for (const { metadata } of workloads) {
      const selecting = policies.filter(({ spec }) => selects(spec.podSelector, metadata.name));
      expect(selecting.length, metadata.name).toBeGreaterThan(0);
      if (metadata.name !== 'redis') expect(budgets).toContain(metadata.name);
    }
  });

  test('the metrics of origins are for Prometheus alone', () => {
    const peer = z.looseObject({ namespaceSelector: z.unknown().optional() });
    const rule = z.object({
      from: z.array(peer).default([]),
      ports: z.array(z.object({ port: z.union([z.string(), z.number()]) })).default([]),
    });
    const policies = z
      .array(
        z.object({
          metadata: z.object({ name: z.string() }),
          spec: z.object({ podSelector: selector, ingress: z.array(rule).default([]) }),
        }),
      )
      .parse(ofKind(manifests, 'NetworkPolicy'));
    for (const { metadata, spec } of policies) {
      if (!selects(spec.podSelector, 'origin')) continue;
      for (const { from, ports } of spec.ingress) {
        if (metadata.name === 'prometheus') expect(ports.map(({ port }) => port)).not.toContain('http');
        else expect([from.length > 0, ports.map(({ port }) => port)]).toEqual([true, ['http']]);
      }
    }
  });

  test('our processes are given settings that they have, and all that they need', () => {
    const maps = z
      .array(z.object({ metadata: z.object({ name: z.string() }), data: z.record(z.string(), z.string()) }))
      .parse(ofKind(manifests, 'ConfigMap'));
    const given = ({ env, envFrom }: Container) => {
      const fromMaps = envFrom.flatMap(({ configMapRef }) =>
        Object.entries(maps.find(({ metadata }) => metadata.name === configMapRef.name)?.data ?? {}),
      );
      // What a secret holds is not known here.
      const own = env.map(({ name, value }) => [name, value ?? 'x'.repeat(32)] as const);
      return Object.fromEntries([...fromMaps, ...own]);
    };
    const credentials = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
    // Of a ConfigMap that several processes share, and read by OpenCV.
    const others = ['EXTRACTOR', 'RATE_LIMIT', 'REQUIRE_API_KEY', 'OPENCV_CPU_DISABLE'];
    const processes: { name: string; schema: z.ZodObject; ignored?: readonly string[] }[] = [
      { name: 'edge', schema: edgeSettings },
      { name: 'origin', schema: originSettings, ignored: others },
      { name: 'redis-gateway', schema: gatewaySettings },
      { name: 'job-service', schema: jobServiceSettingsSchema, ignored: credentials },
      {
        name: 'worker',
        schema: z.object({ ...originSettings.shape, ...workerSettingsSchema.shape }),
        ignored: [...others, ...credentials, 'JOBS_INDEX'],
      },
    ];
    for (const { name, schema, ignored = [] } of processes) {
      const found = everyContainer().find((one) => one.name === name);
      if (found === undefined) {
        expect(overlay, name).toBe('minimal');
        continue;
      }
      const settings: Record<string, string | undefined> = given(found);
      // Kubernetes fills it in from the request for cores.
      if ('ORIGIN_THREADS' in settings) settings.ORIGIN_THREADS = '2';
      const unknown = Object.keys(settings).filter((key) => !(key in schema.shape) && !ignored.includes(key));
      expect(unknown, name).toEqual([]);
      expect(schema.safeParse(settings).error, name).toBeUndefined();
    }
  });

  test('job service and workers listen where their probes ask, on paths that they have', () => {
    const sources = {
      'job-service': {
        files: ['origin/bulk/app.ts'],
        port: jobServiceSettingsSchema.shape.JOBS_PORT.parse(undefined),
      },
      worker: { files: ['origin/bulk/worker-app.ts', 'origin/routes/live.ts'], port: 8071 },
    };
    for (const [name, { files, port }] of Object.entries(sources)) {
      const found = everyContainer().find((one) => one.name === name);
      if (found === undefined) {
        expect(overlay, name).toBe('minimal');
        continue;
      }
      expect(found.ports).toEqual([{ name: 'http', containerPort: port }]);
      const given = Object.fromEntries(found.env.map((one) => [one.name, one.value]));
      expect(Number(given.WORKER_PORT ?? port), name).toBe(port);
      for (const { httpGet } of [found.startupProbe, found.livenessProbe, found.readinessProbe].flatMap(
        (one) => one ?? [],
      )) {
        expect(files.map(read).join(''), name).toContain(`'${httpGet?.path}'`);
      }
    }
  });

  test('ports and probes are those of the images', () => {
    const dockerfile = read('deploy/Dockerfile');
    for (const target of ['edge', 'origin', 'redis-gateway']) {
      const [, stage = ''] =
        new RegExp(`^FROM \\S+ AS ${target}\\n([\\s\\S]*?)(?:\\nFROM|$(?![\\s\\S]))`, 'm').exec(dockerfile) ??
        [];
      const [, ports = ''] = /^EXPOSE (.+)$/m.exec(stage) ?? [];
      const found = everyContainer().find(({ name }) => name === target);
      expect(
        found?.ports.map(({ containerPort }) => containerPort),
        target,
      ).toEqual(ports.split(' ').map(Number));
    }
    const routes =
      read('origin/routes/live.ts') +
      read('origin/routes/ready.ts') +
      read('gateway/server.ts') +
      read('edge/routes/health.ts');
    const paths = everyContainer()
      .filter(({ name }) => ['edge', 'origin', 'redis-gateway'].includes(name))
      .flatMap(({ startupProbe, livenessProbe, readinessProbe }) => [
        startupProbe,
        livenessProbe,
        readinessProbe,
      ])
      .flatMap((found) => found?.httpGet?.path ?? []);
    expect(paths.length).toBeGreaterThan(5);
    for (const found of paths) expect(routes).toContain(found);
  });
});

describe.skipIf(!canRun)('autoscaling and alerts of production', () => {
  const manifests = () => build('production');

  test('origins scale from 10 to 50 on CPU and on the queue, workers on the lag of the stream', () => {
    const scalers = ofKind(manifests(), 'HorizontalPodAutoscaler');
    expect(scalers.find(({ metadata }) => metadata.name === 'origin')?.spec).toMatchObject({
      minReplicas: 10,
      maxReplicas: 50,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu' } },
        { type: 'External', external: { metric: { name: 'edgesift_origin_jobs_queued' } } },
      ],
    });
    expect(ofKind(manifests(), 'ScaledObject')[0]?.spec).toMatchObject({
      triggers: [{ type: 'nats-jetstream', metadata: { stream: 'EDGESIFT_SHARDS', consumer: 'workers' } }],
    });
  });

  test('every alert is PromQL over metrics that exist, and has its lines in docs/operations.md', async () => {
    const alerts = z
      .array(
        z.object({
          spec: z.object({
            groups: z.array(
              z.object({
                rules: z.array(
                  z.object({
                    alert: z.string(),
                    expr: z.string(),
                    annotations: z.object({ runbook: z.string() }),
                  }),
                ),
              }),
            ),
          }),
        }),
      )
      .parse(ofKind(manifests(), 'PrometheusRule'))
      .flatMap(({ spec }) => spec.groups.flatMap(({ rules }) => rules));
    expect(alerts.length).toBeGreaterThan(8);
    const operations = read('docs/operations.md');
    for (const { alert, annotations } of alerts) {
      expect(operations, alert).toContain(`### ${alert}\n`);
      expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    }
    await expectMetrics(alerts.map(({ expr }) => expr));
  });

  test('every panel of the dashboards is PromQL over metrics that exist', async () => {
    const dashboard = z.object({
      panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })),
    });
    for (const name of ['service', 'jobs', 'origin', 'vehicles']) {
      const { panels } = dashboard.parse(JSON.parse(read(`deploy/grafana/${name}.json`)));
      await expectMetrics(panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));
    }
  });
});

async function expectMetrics(expressions: readonly string[]): Promise<void> {
  const registries = [createMetrics().registry, createWorkerMetrics().registry];
  const metrics = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
  const known = metrics.flat().map(({ name }) => name);
  const gaugesIn = (file: string, prefix: string) =>
    Array.from(read(file).matchAll(/^ +(?:gauge\()?'([a-z_]+)',/gm), ([, name]) => `${prefix}_${name}`);
  const gauges = [
    ...gaugesIn('origin/observability/metrics.ts', 'edgesift_origin'),
    ...gaugesIn('origin/bulk/worker-metrics.ts', 'edgesift_worker'),
  ];
  for (const text of expressions) {
    const expression = text.replaceAll('$__rate_interval', '5m');
    const problems: string[] = [];
    parser.parse(expression).iterate({
      enter: ({ type, from, to }) => {
        if (type.isError) problems.push(`${from}–${to}`);
      },
    });
    expect(problems, expression).toEqual([]);
    for (const [name] of expression.matchAll(/edgesift_[a-z_]+/g)) {
      expect([...known, ...gauges], expression).toContain(name.replace(/_(bucket|sum|count)$/, ''));
    }
  }
}
