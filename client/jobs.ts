import type { JobListResponse, JobRequest, JobResponse } from './contract.ts';
import { sleep } from './transport/retry.ts';
import { type CallOptions, readJson, type ServiceRequest, type Transport } from './transport/transport.ts';

const PATH = '/api/v1/jobs';
const FOLLOWING_INTERVAL_MS = 2000;

/** Bulk jobs: the features of all images in a folder or bucket, on as many machines as the service has. */
export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(job: JobRequest, call: CallOptions = {}): Promise<JobResponse> {
    return this.#send({
      ...call,
      method: 'POST',
      path: PATH,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(job),
      hasEffects: true,
    });
  }

  /** All jobs, newest first. */
  async *list(call: CallOptions = {}): AsyncGenerator<JobResponse> {
    for (let before: string | null | undefined; before !== null; ) {
      const page: JobListResponse = await this.#transport.sendForJson({
        ...call,
        path: PATH,
        query: { limit: 100, before },
      });
      yield* page.jobs;
      before = page.next;
    }
  }

  get(id: string, call: CallOptions = {}): Promise<JobResponse> {
    return this.#send({ ...call, path: pathOf(id) });
  }

  /** The job as it is now, then at each change, until it has ended. */
  async *follow(id: string, call: CallOptions = {}): AsyncGenerator<JobResponse> {
    let seen = '';
    for (;;) {
      const job = await this.get(id, call);
      const now = JSON.stringify(job);
      if (now !== seen) yield job;
      if (job.state !== 'planning' && job.state !== 'running') return;
      seen = now;
      await sleep(FOLLOWING_INTERVAL_MS, call.signal);
    }
  }

  /** Results that are there stay. */
  cancel(id: string, call: CallOptions = {}): Promise<JobResponse> {
    return this.#send({ ...call, method: 'POST', path: `${pathOf(id)}/cancel` });
  }

  /** Makes a new job of the images that failed in one that has ended. */
  retryFailed(id: string, call: CallOptions = {}): Promise<JobResponse> {
    return this.#send({ ...call, method: 'POST', path: `${pathOf(id)}/retry-failed`, hasEffects: true });
  }

  #send(request: ServiceRequest): Promise<JobResponse> {
    return this.#transport.send(request, readJson<JobResponse>);
  }
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
