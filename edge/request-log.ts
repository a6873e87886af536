import type { EdgeContext } from './context.ts';
import { writeLine } from './log.ts';
import type { CountedRequest } from './stats/counters.ts';

/** One JSON line per answered request, on the platform's console. */
export class RequestLog {
  readonly #sampleRate: number;

  /** @param sampleRate share of requests that get a line, 0 to 1; those that failed on our side always do */
  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  write(request: CountedRequest, context: EdgeContext): void {
    const failed = request.status >= 500;
    if (!failed && Math.random() >= this.#sampleRate) return;
    const { traceId, spanId } = context.get('trace');
    writeLine(failed ? 'error' : 'info', 'request', {
      request_id: context.get('requestId'),
      trace_id: traceId,
      span_id: spanId,
      method: context.req.method,
      path: context.req.path,
      status: request.status,
      duration_ms: Math.round(request.durationMs),
      outcome: request.outcome,
      region: request.region.colo,
    });
  }
}
