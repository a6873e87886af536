/** `node tools/document-configuration.ts` writes docs/configuration.md from the schemas that check the settings. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { configurationSchema as edgeSchema } from '../edge/configuration.ts';
import { configurationSchema as gatewaySchema } from '../gateway/configuration.ts';
import { jobServiceSettingsSchema, workerSettingsSchema } from '../origin/bulk/configuration.ts';
import { settingsSchema as originSchema } from '../origin/configuration.ts';
import { fromRoot } from './project-root.ts';

const CONFIGURATION_PAGE = fromRoot('docs', 'configuration.md');

const objectSchema = z.object({
  properties: z.record(
    z.string(),
    z.object({
      description: z.string({ error: 'has no description' }),
      /** Where the default depends on the machine. */
      computed: z.string().optional(),
    }),
  ),
});

/** The page as it should be. */
export function configurationPage(): string {
  return `# Configuration

\`node tools/document-configuration.ts\` makes this page from the schemas, and a test fails when it is out of date.

Every process reads its settings from the environment: \`.env\` with \`npm start\` and \`docker compose\` (see
[.env.example](../.env.example)), vars and secrets on Cloudflare ([deployment.md](deployment.md)). Each process checks all settings
at its start and reports every problem at once. Then origin and gateway end, and the edge responds with \`SERVICE_NOT_READY\` and logs
the problems. An empty setting counts as not set.

Edge and origins must have the same \`ORIGIN_SECRET\`. \`EXTRACTOR\` of the edge must be what \`/health/ready\` of an origin reports, as
\`name@version\`. With a wrong \`EXTRACTOR\`, responses stay correct, but later requests do not find the results in the cache. The edge
logs this.

## Edge

${tableOf(edgeSchema)}

On Deno, \`HOST\` and \`PORT\` set the address and the port to listen on.

## Origin

${tableOf(originSchema)}

OpenCV itself reads \`OPENCV_CPU_DISABLE\`, such as \`AVX512-SKX\`. With \`SIFT_ENGINE=opencv\`, origins of different CPU generations need a
common level.

## Bulk jobs

The job service reads all of these settings. Workers read them except \`JOBS_HOST\` to \`ORIGIN_SECRET\`, and also the origin's settings
for extraction. With \`REDIS_URL\` (and \`ORIGIN_SECRET\`, which authenticates what is in Redis) they take results from there. S3 credentials come from the settings of the AWS tools, such as \`AWS_ACCESS_KEY_ID\` and \`AWS_SECRET_ACCESS_KEY\`.

${tableOf(jobServiceSettingsSchema)}

Of workers alone:

${tableOf(workerSettingsSchema.pick({ WORKER_HOST: true, WORKER_PORT: true }))}

## Redis gateway

The gateway is for development, Compose and Kubernetes without Upstash.

${tableOf(gatewaySchema)}

## Elsewhere

\`npm start\` reads \`PORT\`, \`ORIGIN_PORT\`, \`REDIS_REST_PORT\`, \`REDIS_URL\`, \`ORIGIN_SECRET\` and \`REDIS_REST_TOKEN\`, and passes the
others on. \`npm run jobs\` reads \`NATS_PORT\`, \`JOBS_PORT\`, \`JOBS_WORKERS\` and \`ORIGIN_SECRET\`. docker-compose.yml reads
\`ORIGIN_REPLICAS\`, \`ORIGIN_MEMORY_LIMIT\`, \`JOBS_DATA\` and \`GRAFANA_PORT\`.
`;
}

function tableOf(schema: z.ZodObject): string {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(objectSchema.parse(json).properties).map(([name, setting]) => {
    return `| \`${name}\` | ${setting.computed ?? defaultOf(schema, name)} | ${accepted(schema, name)} | ${setting.description} |`;
  });
  return ['| setting | default | accepts | |', '|---|---|---|---|', ...rows].join('\n');
}

function defaultOf(schema: z.ZodObject, name: string): string {
  const parsed = schema.shape[name]?.safeParse(undefined);
  if (!parsed?.success) return '**needed**';
  // Lists and the like are empty by default.
  const isText = typeof parsed.data !== 'object' && parsed.data !== undefined;
  return isText ? `\`${parsed.data}\`` : '';
}

/** What the schema itself says to a value that nothing can be made of. */
function accepted(schema: z.ZodObject, name: string): string {
  const message = schema.shape[name]?.safeParse('\u0000').error?.issues[0]?.message ?? '';
  return message
    .replace(/^must (be|have|look) /, '')
    .replace(/^is missing or not an? /, '')
    .replaceAll('|', '\\|');
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  writeFileSync(CONFIGURATION_PAGE, configurationPage());
}
