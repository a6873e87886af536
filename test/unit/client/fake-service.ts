import { createHash } from 'node:crypto';
import { EdgesiftClient } from '../../../client/client.ts';
import {
  type ErrorCode,
  problemOf,
  ServiceError,
  type ServiceErrorOptions,
} from '../../../shared/contract/errors.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
}

export type Handler = (request: ReceivedRequest) => Response | Promise<Response>;

/** A client whose requests go to a function, and the requests that it made. */
export function clientOf(handler: Handler, options: { retries?: number; timeoutMs?: number } = {}) {
  const requests: ReceivedRequest[] = [];
  const retries: { code: string; delayMs: number }[] = [];
  const client = new EdgesiftClient({
    url: 'http://service.test/',
    apiKey: 'es_key',
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const received = {
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: new Uint8Array(await request.arrayBuffer()),
        signal: init?.signal ?? request.signal,
      };
      init?.signal?.throwIfAborted();
      requests.push(received);
      return handler(received);
    },
    retry: { baseDelayMs: 1, ...(options.retries !== undefined && { retries: options.retries }) },
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    onRetry: ({ error, delayMs }) => retries.push({ code: error.code, delayMs }),
  });
  return { client, requests, retries };
}

export function problem(code: ErrorCode, options: ServiceErrorOptions = {}): Response {
  const error = new ServiceError(code, `The message of ${code}.`, options);
  const headers: Record<string, string> = {
    'Content-Type': 'application/problem+json',
    'X-Request-ID': 'request-1',
  };
  if (options.retryAfterSeconds !== undefined) headers['Retry-After'] = String(options.retryAfterSeconds);
  const body = JSON.stringify(problemOf(error, { path: '/', id: 'request-1' }));
  return new Response(body, { status: error.status, headers });
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
