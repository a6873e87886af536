import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import type { Extractor } from '../../shared/extractor.ts';
import type { HmacKey } from '../../shared/hmac.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import type { RecordWriter } from '../cache/record-writer.ts';
import { authenticate } from '../http/authentication.ts';
import { callerSignal, timeBudget } from '../http/caller.ts';
import type { InFlight } from '../http/in-flight.ts';
import type { UploadMemory } from '../http/upload-memory.ts';
import type { SiftEngine } from '../native/addon.ts';
import type { OriginMetrics } from '../observability/metrics.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';

/** What routes work with that have the pool do something. */
export interface JobDependencies {
  extractor: Extractor;
  engine: SiftEngine;
  /** Those that edges may sign with. */
  secrets: readonly HmacKey[];
  limits: ImageLimits;
  timeoutMs: number;
  pool: ExtractionPool;
  uploads: UploadMemory;
  inFlight: InFlight;
  metrics: OriginMetrics;
  /** Shares results with all edges; undefined where there is no Redis. */
  recordWriter?: RecordWriter | undefined;
}

/** What the head of an authentic request asks for. */
export interface JobRequest {
  query: URLSearchParams;
  /** Aborts when no caller waits any more. */
  signal: AbortSignal;
  /** When that is at the latest, as `performance.now()` has it. */
  deadline: number;
  /** As the edge names it; empty where it names none. */
  client: string;
}

/** Adds a POST route of signed requests. Every one is counted, with how it ended, and waited for at a stop. */
export function addJobRoute(
  app: FastifyInstance,
  path: string,
  { inFlight, metrics, secrets, timeoutMs }: JobDependencies,
  respond: (job: JobRequest, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  // The body of any type stays unread until the head is checked.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  app.post(path, async (request, reply) => {
    let outcome = 'ok';
    reply.raw.once('close', () => {
      metrics.requests.inc({ outcome: reply.raw.writableFinished ? outcome : 'caller_gone' });
    });
    try {
      inFlight.enter();
      reply.raw.once('close', () => inFlight.leave());
      const { method, url, headers } = request;
      const client = await authenticate(secrets, { method, pathAndQuery: url, headers }, Date.now());
      const budgetMs = timeBudget(headers[ORIGIN_HEADERS.timeBudget], timeoutMs);
      const deadline = performance.now() + budgetMs;
      const signal = callerSignal(reply.raw, budgetMs);
      const query = new URLSearchParams(url.slice(path.length));
      return await respond({ query, signal, deadline, client }, request, reply);
    } catch (error) {
      outcome = asServiceError(error).code.toLowerCase();
      throw error;
    }
  });
}
