import type { IncomingHttpHeaders } from 'node:http';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { type DestinationStream, type Logger, pino } from 'pino';
import { TraceContext } from '../../shared/contract/trace-context.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { pathOf } from '../http/problems.ts';

/** JSON lines with ISO time stamps and level names. @param service which process writes them */
export function createLogger(level: string, destination?: DestinationStream, service = 'origin'): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}

const traces = new WeakMap<IncomingHttpHeaders, TraceContext>();

/** The place of a request in its trace, by its headers: the same each time. */
export function traceOf(headers: IncomingHttpHeaders): TraceContext {
  const known = traces.get(headers);
  if (known) return known;
  const trace = new TraceContext(String(headers[ORIGIN_HEADERS.traceParent] ?? ''));
  traces.set(headers, trace);
  return trace;
}

/** Fields of every line that is written for a request: its place in a trace (W3C Trace Context). */
export function traceBindings(headers: IncomingHttpHeaders): Record<string, string> {
  const { traceId, spanId, parentSpanId } = traceOf(headers);
  return { trace_id: traceId, span_id: spanId, ...(parentSpanId && { parent_span_id: parentSpanId }) };
}

/** One line per request, none for probes and metrics. */
export class OneLinePerRequest extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' });
  }

  override incomingRequest(): void {}

  override requestCompleted(error: Error | null, request: FastifyRequest, reply: FastifyReply): void {
    const path = pathOf(request.url);
    if (path.startsWith('/health/') || path === '/metrics') return;
    request.log.info({
      method: request.method,
      path,
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime),
      ...(error && { err: error }),
    });
  }
}
