import { exportRequest, TRACES_PATH } from './otlp.ts';
import type { Span } from './span.ts';

const FLUSH_DELAY_MS = 2_000;
/** The platform may end a request, and with it the export that it was to make. */
const FLUSH_OVERDUE_MS = 3 * FLUSH_DELAY_MS;
/** Beyond that, spans are dropped. */
const MAX_PENDING = 2_048;

/** The platform's part of the exporter. */
export interface SpanTransport {
  /** Sends a request and gives its response's status. */
  post(url: string, headers: Record<string, string>, body: string): Promise<number>;
  delay(milliseconds: number): Promise<void>;
}

export interface SpanExporterOptions {
  transport: SpanTransport;
  service: { name: string; version: string };
  /** Base address of a collector that speaks OTLP over HTTP. */
  endpoint: string;
  headers: Record<string, string>;
  /** Called with the reason when spans were lost. */
  onFailure: (reason: string, spans: number) => void;
}

/** Collects spans and hands them to a collector every few seconds. No request waits for it, or fails by it. */
export class SpanExporter {
  readonly #options: SpanExporterOptions;
  #pending: Span[] = [];
  #flushDueAt = 0;

  constructor(options: SpanExporterOptions) {
    this.#options = options;
  }

  /** @param keepAlive keeps the platform from ending work that no request awaits */
  add(spans: readonly Span[], keepAlive: (work: Promise<unknown>) => void): void {
    if (this.#pending.length < MAX_PENDING) this.#pending.push(...spans);
    const now = Date.now();
    if (now < this.#flushDueAt) return;
    this.#flushDueAt = now + FLUSH_OVERDUE_MS;
    keepAlive(this.#flushLater());
  }

  async #flushLater(): Promise<void> {
    await this.#options.transport.delay(FLUSH_DELAY_MS);
    await this.flush();
  }

  /** Sends what there is; it is lost where that fails. */
  async flush(): Promise<void> {
    this.#flushDueAt = 0;
    const spans = this.#pending;
    if (spans.length === 0) return;
    this.#pending = [];
    const { transport, service, endpoint, headers, onFailure } = this.#options;
    try {
      const status = await transport.post(
        endpoint.replace(/\/+$/, '') + TRACES_PATH,
        { ...headers, 'content-type': 'application/json' },
        exportRequest(service, spans),
      );
      if (status >= 300) onFailure(`status ${status}`, spans.length);
    } catch (error) {
      onFailure(String(error), spans.length);
    }
  }
}
