import { toHex } from '../hex.ts';

/** W3C Trace Context, version 00: trace id, span id of the caller, flags; ids of zeros alone are not valid. */
const TRACE_PARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/** A later version may have more at the end; of what we know, we use version 00. */
const LATER_VERSION = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(-.*)?$/;
/** The flag with which the first service of a trace requests its recording. */
const SAMPLED = 0x01;

/** The place of one request in a trace. Ids are made when first used: most requests need none. */
export class TraceContext {
  readonly #received: RegExpExecArray | null;
  #traceId: string | undefined;
  #spanId: string | undefined;
  #isSampled: boolean | undefined;
  readonly #sampleRate: number;
  readonly #trustsCaller: boolean;

  /**
   * @param header `traceparent` as it came; a new trace begins where it is missing or not valid
   * @param sampleRate share of the traces that are recorded, 0 to 1, where the caller does not decide
   * @param trustsCaller whether the caller decides whether its trace is recorded: not for clients, which could force
   *   the recording of everything
   */
  constructor(header: string | null | undefined, sampleRate = 0, trustsCaller = true) {
    this.#sampleRate = sampleRate;
    this.#trustsCaller = trustsCaller;
    this.#received = header ? TRACE_PARENT.exec(header.replace(LATER_VERSION, '00$1')) : null;
  }

  get traceId(): string {
    this.#traceId ??= this.#received?.[1] ?? randomHex(16);
    return this.#traceId;
  }

  /** The caller's span; undefined where the trace begins here. */
  get parentSpanId(): string | undefined {
    return this.#received?.[2];
  }

  /** Of this request. */
  get spanId(): string {
    this.#spanId ??= randomHex(8);
    return this.#spanId;
  }

  /** For the requests that this one makes. */
  get traceParent(): string {
    return `00-${this.traceId}-${this.spanId}-${this.#flags}`;
  }

  /** Whether the trace is recorded. A caller that does not want its trace recorded is always believed. */
  get isSampled(): boolean {
    this.#isSampled ??= this.#isWanted() && (this.#callerDecides || Math.random() < this.#sampleRate);
    return this.#isSampled;
  }

  get #callerDecides(): boolean {
    return this.#trustsCaller && this.#received !== null;
  }

  #isWanted(): boolean {
    const received = this.#received?.[3];
    return received === undefined || (Number.parseInt(received, 16) & SAMPLED) !== 0;
  }

  get #flags(): string {
    return this.isSampled ? '01' : '00';
  }
}

/** Of a span that is not a request's. */
export function newSpanId(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}
