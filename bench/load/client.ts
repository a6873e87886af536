/** Load client in a separate process: each connection sends its next request when the previous response is complete. */
import { Client } from 'undici';
import { variantTail } from '../variants.ts';
import type { ClientMessage, LoadJob, LoadResult } from './job.ts';

process.on('message', async (job: LoadJob) => {
  const message: ClientMessage = await run(job).then(
    (result) => ({ result }),
    (error: unknown) => ({ problem: String(error) }),
  );
  process.send?.(message);
});

async function run(job: LoadJob): Promise<LoadResult> {
  const requests = job.requests.map(({ path, variant }) => ({ path, body: bodyOf(job, variant) }));
  const clients = connectionsTo(job.origin, job.connections);
  const latenciesMs: number[] = [];
  let serverTiming = '';
  let next = 0;

  const work = async (client: Client) => {
    for (let request = requests[next]; request !== undefined; request = requests[next]) {
      next += 1;
      const sentAt = performance.now();
      const response = await client.request({ ...request, method: job.method, headers: job.headers });
      const text = await response.body.arrayBuffer();
      latenciesMs.push(performance.now() - sentAt);
      const cache = response.headers['x-cache'];
      if (response.statusCode !== 200 || cache !== job.expectedCache) {
        throw new Error(
          `expected ${job.expectedCache}, got ${response.statusCode} ${cache} ${excerpt(text)}`,
        );
      }
      serverTiming = String(response.headers['server-timing'] ?? '');
    }
  };

  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(clients.map(work));
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { latenciesMs, elapsedMs, clientCpuMs: (user + system) / 1000, serverTiming };
}

/** Kept open from job to job: what is measured is the service, not TCP. */
const connections = new Map<string, Client[]>();

function connectionsTo(origin: string, count: number): Client[] {
  const open = connections.get(origin) ?? [];
  while (open.length < count) open.push(new Client(origin));
  connections.set(origin, open);
  return open.slice(0, count);
}

function bodyOf({ body }: LoadJob, variant: number | undefined): Uint8Array | null {
  if (body === undefined) return null;
  const tail = variant === undefined ? [] : [variantTail(variant)];
  return Buffer.concat([body.head, ...tail, body.foot]);
}

function excerpt(body: ArrayBuffer): string {
  return Buffer.from(body.slice(0, 200)).toString();
}
