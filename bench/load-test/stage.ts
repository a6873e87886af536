import autocannon from 'autocannon';
import * as z from 'zod';
import { quantile } from '../statistics.ts';

/** One kind of load for some seconds: each connection sends its next request as soon as it has its response. */
export interface Stage {
  name: string;
  connections: number;
  seconds: number;
  /** The next request's method, headers and body. */
  next: () => autocannon.Request;
}

/** What came of a stage. */
export interface StageResult {
  stage: string;
  connections: number;
  responses_per_s: number;
  /** How often each outcome came, as in `200 HIT memory` or `503 OVERLOADED`. */
  outcomes: Record<string, number>;
  /** Connections that broke, and responses that never came. */
  failures: number;
  /** Of responses with status 200 and of refusals; null where there were none. */
  ok_ms: Latency | null;
  refused_ms: Latency | null;
}

export interface Latency {
  p50: number;
  p99: number;
  max: number;
}

/** Longer than any response of the service takes. */
const TIMEOUT_SECONDS = 60;

const problemSchema = z.object({ error_code: z.string() });

/** Runs a stage and shows how far it is. */
export async function runStage(url: string, stage: Stage): Promise<StageResult> {
  const outcomes: Record<string, number> = {};
  const okMs: number[] = [];
  const refusedMs: number[] = [];
  const instance = autocannon({
    url,
    connections: stage.connections,
    duration: stage.seconds,
    timeout: TIMEOUT_SECONDS,
    requests: [
      {
        ...stage.next(),
        // What it has made of the address stays.
        setupRequest: (request) => ({ ...request, ...stage.next() }),
        onResponse: (status, body, _context, headers) => {
          const outcome = `${status} ${outcomeOf(status, body, headers)}`;
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        },
      },
    ],
  });
  instance.on('response', (_client, status, _bytes, milliseconds) => {
    (status === 200 ? okMs : refusedMs).push(milliseconds);
  });
  showProgress(instance, stage);
  const { errors, timeouts, duration } = await instance;
  return {
    stage: stage.name,
    connections: stage.connections,
    responses_per_s: (okMs.length + refusedMs.length) / duration,
    outcomes,
    failures: errors + timeouts,
    ok_ms: latencyOf(okMs),
    refused_ms: latencyOf(refusedMs),
  };
}

function outcomeOf(status: number, body: string, headers: Record<string, string>): string {
  if (status === 200) {
    const names = Object.keys(headers).filter((name) => name.toLowerCase() === 'x-cache');
    return names.map((name) => headers[name]).join();
  }
  try {
    return problemSchema.parse(JSON.parse(body)).error_code;
  } catch {
    return 'WITHOUT A PROBLEM DOCUMENT';
  }
}

function latencyOf(milliseconds: number[]): Latency | null {
  if (milliseconds.length === 0) return null;
  return {
    p50: quantile(milliseconds, 0.5),
    p99: quantile(milliseconds, 0.99),
    max: quantile(milliseconds, 1),
  };
}

function showProgress(instance: autocannon.Instance, { name, connections, seconds }: Stage): void {
  process.stderr.write(`… ${name}: ${connections} connections, ${seconds} s\n`);
  if (!process.stderr.isTTY) return;
  autocannon.track(instance, {
    renderProgressBar: true,
    renderResultsTable: false,
    progressBarString: `  ${name} [:bar] :percent`,
  });
}
