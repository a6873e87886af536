import type { TraceContext } from '../contract/trace-context.ts';

/** One piece of work in a trace. */
export interface Span {
  traceId: string;
  spanId: string;
  /** Undefined where the trace begins. */
  parentSpanId: string | undefined;
  name: string;
  /** `server` serves a request from elsewhere. */
  kind: 'internal' | 'server';
  /** Milliseconds since the Unix epoch. */
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number>;
  /** Whether it failed on our side. */
  failed: boolean;
}

/** The response, by OpenTelemetry's names for it (semantic conventions for HTTP). */
export interface ServedRequest {
  method: string;
  route: string;
  status: number;
  requestId: string;
}

/** The span of a request whose response has just been sent. */
export function requestSpan(
  trace: TraceContext,
  { method, route, status, requestId }: ServedRequest,
  durationMs: number,
): Span {
  const endMs = Date.now();
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    name: `${method} ${route}`,
    kind: 'server',
    startMs: endMs - durationMs,
    endMs,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'edgesift.request_id': requestId,
    },
    failed: status >= 500,
  };
}
