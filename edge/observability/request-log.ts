import type { EdgeContext } from '../context.ts';
import type { CountedRequest } from './counters.ts';
import { writeLine } from './log.ts';

/** One JSON line per request, on the platform's console. */
export class RequestLog {
  readonly #sampleRate: number;

  /** @param sampleRate share of requests that get a line, 0 to 1; those that failed on our side always do */
  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  write(request: CountedRequest, context: EdgeContext): void {
    this.#write('request', request.status >= 500, context, {
      method: context.req.method,
      path: context.req.path,
      status: request.status,
      duration_ms: Math.round(request.durationMs),
      outcome: request.outcome,
      region: request.region.colo,
    });
  }

  /** What became of a batch, whose request is logged as its response begins. */
  writeBatch(
    { summary, failures, durationMs }: { summary: object; failures: number; durationMs: number },
    context: EdgeContext,
  ): void {
    this.#write('batch', failures > 0, context, { ...summary, duration_ms: Math.round(durationMs) });
  }

  #write(event: string, failed: boolean, context: EdgeContext, facts: Record<string, unknown>): void {
    if (!failed && Math.random() >= this.#sampleRate) return;
    const { traceId, spanId } = context.get('trace');
    writeLine(failed ? 'error' : 'info', event, {
      request_id: context.get('requestId'),
      trace_id: traceId,
      span_id: spanId,
      ...facts,
    });
  }
}
