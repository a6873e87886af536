import { EdgesiftError, errorFrom } from '../errors.ts';
import { type RetryPolicy, retryDelay, sleep } from './retry.ts';
import { TimeLimit } from './time-limit.ts';
import { type OnUploadProgress, uploadWithProgress } from './upload-progress.ts';

/** What any call can be given beside its parameters. */
export interface CallOptions {
  /** Ends the call; its reason is thrown as it is. */
  signal?: AbortSignal | undefined;
  /** Limit of each attempt, response included, in milliseconds; the client's by default. */
  timeoutMs?: number | undefined;
}

/** A failed attempt that is going to be repeated. */
export interface Retry {
  error: EdgesiftError;
  /** 1 before the second attempt. */
  attempt: number;
  delayMs: number;
}

export interface TransportOptions {
  url: string;
  apiKey: string | undefined;
  headers: Readonly<Record<string, string>>;
  fetch: typeof globalThis.fetch;
  timeoutMs: number;
  retry: RetryPolicy;
  onRetry: ((retry: Retry) => void) | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ServiceRequest extends CallOptions {
  method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  path: string;
  query?: Query;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array<ArrayBuffer> | string | FormData;
  onUploadProgress?: OnUploadProgress | undefined;
  /** Statuses that are results, beside those from 200 to 299. */
  expected?: readonly number[];
  /** Whether a second execution changes something. Then it is repeated only where the first was refused. */
  hasEffects?: boolean;
}

/** HTTP with time limits, retries and typed errors. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #base: string;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
  }

  /**
   * @param read takes the response apart; part of an attempt, so that a body that breaks off is repeated too
   * @throws EdgesiftError, or the reason of `request.signal`
   */
  async send<Result>(
    request: ServiceRequest,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(request, read);
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason;
        if (!(error instanceof EdgesiftError)) throw error;
        if (request.hasEffects && !error.wasRefused) throw error;
        const delayMs = retryDelay(error, attempt, this.#options.retry);
        if (delayMs === undefined) throw error;
        this.#options.onRetry?.({ error, attempt: attempt + 1, delayMs });
        await sleep(delayMs, request.signal);
      }
    }
  }

  /** As {@link send}, for a JSON response. What the service sends is what its contract says. */
  sendForJson<Result>(request: ServiceRequest): Promise<Result> {
    return this.send(request, readJson<Result>);
  }

  async #attempt<Result>(
    request: ServiceRequest,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs;
    const limit = new TimeLimit(timeoutMs, request.signal);
    try {
      const response = await this.#fetch(request, limit.signal);
      if (!response.ok && !request.expected?.includes(response.status)) throw await errorFrom(response);
      return await read(response);
    } catch (error) {
      if (error instanceof EdgesiftError || request.signal?.aborted) throw error;
      if (limit.isOver) {
        throw new EdgesiftError('TIMED_OUT', `No response from ${this.#base} within ${timeoutMs} ms.`);
      }
      throw this.#failure(error);
    } finally {
      limit.end();
    }
  }

  /** What a fetch, or the reading of its response, threw. */
  #failure(error: unknown): unknown {
    if (error instanceof SyntaxError) {
      const message = `The response from ${this.#base} is not JSON.`;
      return new EdgesiftError('UNEXPECTED_RESPONSE', message, { cause: error });
    }
    // A fetch that gets no response, or no whole one, is a TypeError on every platform.
    if (!(error instanceof TypeError)) return error;
    const message = `No response from ${this.#base}: ${reasonOf(error)}.`;
    return new EdgesiftError('CONNECTION_FAILED', message, { cause: error });
  }

  #fetch(request: ServiceRequest, signal: AbortSignal): Promise<Response> {
    const { method = 'GET', path, query = {}, body, onUploadProgress } = request;
    const { apiKey, fetch } = this.#options;
    const url = `${this.#base}${path}${queryText(query)}`;
    const headers: Record<string, string> = { ...this.#options.headers, ...request.headers };
    if (apiKey !== undefined) headers.Authorization = `Bearer ${apiKey}`;
    if (onUploadProgress && body instanceof Uint8Array) {
      return uploadWithProgress(fetch, url, {
        method,
        headers,
        bytes: body,
        signal,
        onProgress: onUploadProgress,
      });
    }
    return fetch(url, { method, headers, signal, ...(body !== undefined && { body }) });
  }
}

function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

/** The parsed body, which is taken to be what the contract says. */
export async function readJson<Result>(response: Response): Promise<Result> {
  return (await response.json()) as Result;
}

/** Node's fetch says why in the cause: `connect ECONNREFUSED 127.0.0.1:8787`. */
function reasonOf({ message, cause }: TypeError): string {
  const reason = cause instanceof Error && cause.message ? cause.message : message;
  return reason.replace(/\.$/, '');
}
