import { toHex } from '../hex.ts';

/** W3C Trace Context, version 00: trace id, span id of the caller, flags; ids of zeros alone are not valid. */
const TRACE_PARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/** A later version may have more at the end; of what we know, we use version 00. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(-.*)?$/;
/** Nobody who began the trace asked to record it. */
const NOT_SAMPLED = '00';

/** The place of one request in a trace. */
export class TraceContext {
  readonly traceId: string;
  /** The caller's span; undefined where the trace begins here. */
  readonly parentSpanId: string | undefined;
  /** Of this request. */
  readonly spanId: string;
  readonly flags: string;

  /** @param header `traceparent` as it came; a new trace begins where it is missing or not valid */
  constructor(header: string | null | undefined) {
    const text = header?.replace(LATER_VERSION, '00$1') ?? '';
    const [, traceId, parentSpanId, flags] = TRACE_PARENT.exec(text) ?? [];
    this.traceId = traceId ?? randomHex(16);
    this.parentSpanId = parentSpanId;
    this.spanId = randomHex(8);
    this.flags = flags ?? NOT_SAMPLED;
  }

  /** For the requests that this one makes. */
  get traceParent(): string {
    return `00-${this.traceId}-${this.spanId}-${this.flags}`;
  }
}

function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}
