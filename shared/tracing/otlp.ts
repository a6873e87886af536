import type { Span } from './span.ts';

/** Numbers of OTLP's enumerations (opentelemetry/proto/trace/v1/trace.proto). */
const KINDS = { internal: 1, server: 2 } as const;
const STATUS_ERROR = 2;

/** Path of the receiver below `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export const TRACES_PATH = '/v1/traces';

/** Body of an export by OTLP/HTTP in its JSON encoding (OTLP 1.x: ids in hexadecimal, 64-bit integers as text). */
export function exportRequest(service: { name: string; version: string }, spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({ 'service.name': service.name, 'service.version': service.version }),
        },
        scopeSpans: [{ scope: { name: 'edgesift', version: service.version }, spans: spans.map(spanOf) }],
      },
    ],
  });
}

function spanOf({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, failed }: Span) {
  return {
    traceId,
    spanId,
    ...(parentSpanId && { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    ...(failed && { status: { code: STATUS_ERROR } }),
  };
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

function attributesOf(attributes: Record<string, string | number>) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number) {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
