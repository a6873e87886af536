import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newSpanId, type TraceContext } from '../../shared/contract/trace-context.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { requestSpan, type Span } from '../../shared/tracing/span.ts';
import type { SpanExporter, SpanTransport } from '../../shared/tracing/span-exporter.ts';
import { pathOf } from '../http/problems.ts';
import { traceOf } from './logging.ts';

const TIMEOUT_MS = 5_000;

export const spanTransport: SpanTransport = {
  async post(url, headers, body) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body?.cancel();
    return response.status;
  },
  // What waits is sent when the app is closed.
  delay: (milliseconds) => delay(milliseconds, undefined, { ref: false }),
};

/** Exports a span of every request with a response whose trace is recorded, and of its phases. */
export function exportSpans(app: FastifyInstance, exporter: SpanExporter): void {
  app.addHook('onResponse', async (request, reply) => {
    const trace = traceOf(request.headers);
    if (trace.isSampled) exporter.add(spansOf(trace, request, reply), () => undefined);
  });
  app.addHook('onClose', () => exporter.flush());
}

function spansOf(trace: TraceContext, request: FastifyRequest, reply: FastifyReply): Span[] {
  const { method, id: requestId } = request;
  const served = { method, route: pathOf(request.url), status: reply.statusCode, requestId };
  const span = requestSpan(trace, served, reply.elapsedTime);
  return [span, ...phaseSpans(span, String(reply.getHeader(ORIGIN_HEADERS.serverTiming) ?? ''))];
}

/** `Server-Timing` lists phases that follow one another; the last ends about when the response is sent. */
function phaseSpans(parent: Span, serverTiming: string): Span[] {
  const phases = Array.from(serverTiming.matchAll(/(\w+);dur=([\d.]+)/g), ([, name = '', ms]) => ({
    name,
    ms: Number(ms),
  }));
  let startMs = parent.endMs - phases.reduce((sum, { ms }) => sum + ms, 0);
  return phases.map(({ name, ms }) => {
    const span: Span = {
      traceId: parent.traceId,
      spanId: newSpanId(),
      parentSpanId: parent.spanId,
      name,
      kind: 'internal',
      startMs,
      endMs: startMs + ms,
      attributes: {},
      failed: false,
    };
    startMs += ms;
    return span;
  });
}
