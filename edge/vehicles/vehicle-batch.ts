import { asServiceError } from '../../shared/contract/errors.ts';
import type {
  BatchClassifyResponse,
  BatchClassifyResult,
  BatchClassifySummary,
  ClassifyParameters,
} from '../../shared/contract/vehicles.ts';
import type { EdgeContext } from '../context.ts';
import type { FormPart } from '../http/form.ts';
import { LineStream } from '../http/line-stream.ts';
import { forEachImage } from '../ingest/for-each-image.ts';
import type { ReceivedForm } from '../ingest/ingest.ts';
import { logFailure } from '../middleware/errors.ts';
import { admitImage } from '../middleware/rate-limit.ts';
import { logError } from '../observability/log.ts';
import { Timing } from '../observability/timing.ts';
import type { Services } from '../services.ts';
import { classifyUpload } from './classify-upload.ts';
import { now, vehicleData } from './vehicle-response.ts';

/** Classifies the images of one request. Each fails alone. */
export class VehicleBatch {
  readonly #context: EdgeContext;
  readonly #services: Services;
  readonly #form: ReceivedForm<ClassifyParameters>;

  constructor(context: EdgeContext, services: Services, form: ReceivedForm<ClassifyParameters>) {
    this.#context = context;
    this.#services = services;
    this.#form = form;
  }

  /** All results in one document, in the order of the form. */
  async document(): Promise<BatchClassifyResponse> {
    const results = new Map<number, BatchClassifyResult>();
    await this.#run(this.#context.req.raw.signal, async (index, result) => {
      results.set(index, result);
    });
    const inOrder = [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
    return { status: 'success', timestamp: now(), summary: summaryOf(inOrder), results: inOrder };
  }

  /** A line for each result as it completes, then one with the summary. Releases the form's memory. */
  lines(): ReadableStream<Uint8Array> {
    const lines = new LineStream();
    lines.hold(this.#form.lease);
    this.#context.executionCtx.waitUntil(this.#writeLines(lines));
    return lines.readable;
  }

  async #writeLines(lines: LineStream): Promise<void> {
    // Not every platform notices that a client has gone before it writes to it.
    const signal = AbortSignal.any([this.#context.req.raw.signal, lines.signal]);
    const results: BatchClassifyResult[] = [];
    try {
      await this.#run(signal, async (_, result) => {
        results.push(result);
        await lines.write([JSON.stringify(result)]);
      });
      const last = { status: 'success', timestamp: now(), summary: summaryOf(results) };
      await lines.write([JSON.stringify(last)]);
      await lines.close();
    } catch (error) {
      if (!signal.aborted) logError('batch broke off', error, { request_id: this.#requestId });
      await lines.breakOff(error);
    } finally {
      this.#form.lease.release();
    }
  }

  #run(
    signal: AbortSignal,
    take: (index: number, result: BatchClassifyResult) => Promise<void>,
  ): Promise<void> {
    return forEachImage(this.#form.images.entries(), async ([index, part]) => {
      await take(index, await this.#classify(index, part, signal));
    });
  }

  async #classify(index: number, part: FormPart, signal: AbortSignal): Promise<BatchClassifyResult> {
    signal.throwIfAborted();
    const filename = part.fileName ?? null;
    const timing = new Timing();
    const { parameters } = this.#form;
    try {
      const { rateLimit } = this.#services.access;
      if (index > 0 && rateLimit) admitImage(rateLimit, this.#context);
      const { options } = parameters;
      const found = await classifyUpload(this.#context, this.#services, { part, options, timing, signal });
      const keepAlive = (work: Promise<unknown>) => this.#context.executionCtx.waitUntil(work);
      this.#services.stats.countLookUp(found.tier ?? 'origin', timing.elapsedMs, keepAlive);
      const data = vehicleData(found, parameters, { requestId: this.#requestId, timing });
      return { filename, status: 'success', data };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asServiceError(thrown);
      logFailure(error, this.#requestId);
      return { filename, status: 'error', message: error.message, error_code: error.code };
    }
  }

  get #requestId(): string {
    return this.#context.get('requestId');
  }
}

/** @param results at least one */
function summaryOf(results: readonly BatchClassifyResult[]): BatchClassifySummary {
  const times = results.flatMap((result) =>
    result.status === 'success' ? [result.data.processing_time_ms] : [],
  );
  const sum = times.reduce((total, ms) => total + ms, 0);
  return {
    total_files: results.length,
    successful: times.length,
    failed: results.length - times.length,
    average_processing_time_ms: times.length === 0 ? 0 : Number((sum / times.length).toFixed(1)),
  };
}
