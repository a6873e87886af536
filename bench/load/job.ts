/** What the client process is to send. */
export interface LoadJob {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: BodyTemplate;
  /** Sent in this order, each connection taking the next one as soon as it has its response. */
  readonly requests: readonly { readonly path: string; readonly variant?: number }[];
  readonly connections: number;
  /** What `X-Cache` must say in every response: a measurement of something else is none. */
  readonly expectedCache: string | undefined;
}

/** A request's body is `head`, the tail of its variant if it has one, and `foot`. */
export interface BodyTemplate {
  readonly head: Uint8Array;
  readonly foot: Uint8Array;
}

export interface LoadResult {
  /** Of each request, from sending it until its whole response is there. */
  readonly latenciesMs: readonly number[];
  /** From the first request until the last response. */
  readonly elapsedMs: number;
  /** What the client itself used of the CPU meanwhile. */
  readonly clientCpuMs: number;
  /** `Server-Timing` of the last response. */
  readonly serverTiming: string;
}

export type ClientMessage = { readonly result: LoadResult } | { readonly problem: string };
