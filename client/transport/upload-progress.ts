/** How much of an upload has left: the bytes handed to the network so far, and all of them. */
export interface UploadProgress {
  loaded: number;
  total: number;
}

export type OnUploadProgress = (progress: UploadProgress) => void;

export interface Upload {
  method: string;
  headers: Record<string, string>;
  bytes: Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
  onProgress: OnUploadProgress;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Sends bytes and reports how far it has come. Browsers report it to XMLHttpRequest alone: their `fetch` streams no
 * body over HTTP/1.1. Elsewhere the body is a stream that counts what is taken from it.
 */
export function uploadWithProgress(
  fetch: typeof globalThis.fetch,
  url: string,
  upload: Upload,
): Promise<Response> {
  const Request = browserRequest();
  return Request === undefined
    ? uploadAsStream(fetch, url, upload)
    : uploadByBrowser(new Request(), url, upload);
}

function uploadAsStream(
  fetch: typeof globalThis.fetch,
  url: string,
  { method, headers, bytes, signal, onProgress }: Upload,
): Promise<Response> {
  let loaded = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = bytes.subarray(loaded, loaded + CHUNK_BYTES);
      if (chunk.length === 0) {
        controller.close();
        return;
      }
      loaded += chunk.length;
      controller.enqueue(chunk);
      onProgress({ loaded, total: bytes.length });
    },
  });
  const init: RequestInit & { duplex: 'half' } = { method, headers, body, signal, duplex: 'half' };
  return fetch(url, init);
}

/** The part of XMLHttpRequest that is used here: not every platform has it, nor its type. */
interface BrowserRequest {
  responseType: string;
  readonly status: number;
  readonly response: unknown;
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  send(body: Uint8Array<ArrayBuffer>): void;
  abort(): void;
}

function browserRequest(): (new () => BrowserRequest) | undefined {
  const { XMLHttpRequest }: { XMLHttpRequest?: new () => BrowserRequest } = Object(globalThis);
  return XMLHttpRequest;
}

function uploadByBrowser(
  request: BrowserRequest,
  url: string,
  { method, headers, bytes, signal, onProgress }: Upload,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    const settle = (action: () => void) => () => {
      signal.removeEventListener('abort', abort);
      action();
    };
    request.open(method, url);
    request.responseType = 'arraybuffer';
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress({ loaded, total: bytes.length });
    request.onload = settle(() => resolve(responseOf(request)));
    // The same error as that of a fetch which gets no response.
    request.onerror = settle(() => reject(new TypeError('The upload failed.')));
    request.onabort = settle(() => reject(signal.reason));
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    request.send(bytes);
  });
}

function responseOf(request: BrowserRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const body = request.response instanceof ArrayBuffer ? request.response : null;
  return new Response(body, { status: request.status, headers });
}
