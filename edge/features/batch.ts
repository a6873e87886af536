import type { BatchProblemLine, BatchSummaryLine } from '../../shared/contract/batch.ts';
import { asServiceError, problemOf, ServiceError } from '../../shared/contract/errors.ts';
import type { DetectParameters } from '../../shared/contract/parameters.ts';
import { featureJson } from '../../shared/features/json.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { clientIdentity } from '../access/client-identity.ts';
import type { EdgeContext } from '../context.ts';
import type { FormPart } from '../http/form.ts';
import { LineStream } from '../http/line-stream.ts';
import { needsPayload } from '../http/negotiation.ts';
import { forEachImage } from '../ingest/for-each-image.ts';
import type { IdentifiedImage, ReceivedForm } from '../ingest/ingest.ts';
import { logFailure } from '../middleware/errors.ts';
import { admitImage, reserveWork } from '../middleware/rate-limit.ts';
import { logError } from '../observability/log.ts';
import { Timing } from '../observability/timing.ts';
import type { MemoryLease } from '../resilience/memory-budget.ts';
import type { Services } from '../services.ts';
import { detectResponse, requirePayload } from './feature-response.ts';
import type { FoundFeatures } from './feature-source.ts';

/** One of the images, apart from its bytes. */
interface Member {
  index: number;
  filename: string | null;
}

/** Files with the same bytes: their features are looked up or computed once. */
interface BatchImage extends IdentifiedImage {
  members: Member[];
}

/** Responds to a batch with one line for each image, as it completes. */
export class Batch {
  readonly #context: EdgeContext;
  readonly #services: Services;
  readonly #images: FormPart[];
  readonly #lease: MemoryLease;
  readonly #parameters: DetectParameters;
  readonly #lines = new LineStream();
  readonly #signal: AbortSignal;
  readonly #counts = { succeeded: 0, failed: 0, cached: 0 };
  /** How many images failed on our side. */
  #failures = 0;

  constructor(
    context: EdgeContext,
    services: Services,
    { images, parameters, lease }: ReceivedForm<DetectParameters>,
  ) {
    this.#context = context;
    this.#services = services;
    this.#images = images;
    this.#lease = lease;
    this.#lines.hold(lease);
    this.#parameters = parameters;
    // Not every platform notices that a client has gone before it writes to it.
    this.#signal = AbortSignal.any([context.req.raw.signal, this.#lines.signal]);
  }

  /** Body of the response. */
  get response(): ReadableStream<Uint8Array> {
    return this.#lines.readable;
  }

  /** Resolves when every line is written, or the client has gone: then no further image is begun. */
  async run(): Promise<void> {
    try {
      await forEachImage(await this.#identifyImages(), (image) => this.#writeLinesOf(image));
      await this.#writeSummary();
    } catch (error) {
      if (!this.#signal.aborted) logError('batch broke off', error, { request_id: this.#requestId });
      await this.#lines.breakOff(error);
    } finally {
      this.#lease.release();
      this.#report();
    }
  }

  async #identifyImages(): Promise<BatchImage[]> {
    const images = new Map<string, BatchImage>();
    for (const [index, part] of this.#images.entries()) {
      const member = { index, filename: part.fileName ?? null };
      try {
        if (index > 0) this.#admitImage();
        const image = await this.#services.ingest.identify(part, this.#parameters.sift, new Timing());
        const known = images.get(image.sha256);
        if (known) known.members.push(member);
        else images.set(image.sha256, { ...image, members: [member] });
      } catch (error) {
        await this.#writeProblem(error, [member]);
      }
    }
    return [...images.values()];
  }

  async #writeLinesOf({ members, ...image }: BatchImage): Promise<void> {
    this.#signal.throwIfAborted();
    this.#lease.settle();
    const timing = new Timing();
    const { responses } = this.#services;
    let hold: MemoryLease | undefined;
    try {
      if (needsPayload('json', this.#parameters.representation)) hold = await responses.admit();
      const found = await this.#obtain(image, timing);
      if (hold) responses.fit(hold, requirePayload(found).payload.length);
      if (hold) this.#lines.hold(hold);
      this.#count(found, timing, members);
      for (const member of members) await this.#lines.write(this.#lineOf(member, found, timing));
    } catch (error) {
      this.#signal.throwIfAborted();
      await this.#writeProblem(error, members);
    } finally {
      hold?.release();
      if (hold) this.#lines.letGo(hold);
    }
  }

  #obtain(image: IdentifiedImage, timing: Timing): Promise<FoundFeatures> {
    const { features } = this.#services;
    const { sift, representation } = this.#parameters;
    if (this.#context.get('timing').elapsedMs > features.longestWaitMs) {
      throw new ServiceError(
        'SERVICE_TIMEOUT',
        'Earlier images of the batch took too long. Send this image again.',
      );
    }
    return features.obtain({
      ...image,
      parameters: sift,
      needsPayload: needsPayload('json', representation),
      requestId: this.#context.get('requestId'),
      client: clientIdentity(this.#context),
      trace: this.#context.get('trace'),
      signal: this.#signal,
      keepAlive: this.#keepAlive,
      reserveWork: () => reserveWork(this.#services.access.rateLimit, this.#context),
      // The bytes are part of the form, which is released as a whole.
      releaseBytes: () => undefined,
      timing,
    });
  }

  #lineOf(member: Member, found: FoundFeatures, timing: Timing): Iterable<string> {
    const { representation } = this.#parameters;
    const response = { ...member, ...detectResponse(found, { requestId: this.#requestId, timing }) };
    if (representation.include === 'summary') return [JSON.stringify(response)];
    return featureJson(response, decodePayload(requirePayload(found).payload).features, representation);
  }

  async #writeProblem(thrown: unknown, members: Member[]): Promise<void> {
    const error = asServiceError(thrown);
    logFailure(error, this.#requestId);
    this.#counts.failed += members.length;
    if (error.status >= 500) this.#failures += members.length;
    const { details, ...problem } = problemOf(error, { path: this.#context.req.path, id: this.#requestId });
    const retryAfter = error.retryAfterSeconds;
    for (const member of members) {
      const line: BatchProblemLine = {
        ...member,
        ...problem,
        // A header cannot apply to one image of many.
        details: retryAfter === undefined ? details : { ...details, retry_after_s: Math.ceil(retryAfter) },
      };
      await this.#lines.write([JSON.stringify(line)]);
    }
  }

  async #writeSummary(): Promise<void> {
    const line: BatchSummaryLine = {
      summary: this.#summary,
      processing_time_ms: Number(this.#context.get('timing').elapsedMs.toFixed(1)),
      request_id: this.#requestId,
    };
    await this.#lines.write([JSON.stringify(line)]);
    await this.#lines.close();
  }

  #count({ tier }: FoundFeatures, timing: Timing, members: Member[]): void {
    this.#counts.succeeded += members.length;
    if (tier) this.#counts.cached += members.length;
    const { stats } = this.#services;
    for (const _ of members) stats.countLookUp(tier ?? 'origin', timing.elapsedMs, this.#keepAlive);
  }

  #admitImage(): void {
    const { rateLimit } = this.#services.access;
    if (rateLimit) admitImage(rateLimit, this.#context);
  }

  /** Writes the log line and the rate limit's report: the middleware has seen only the head of the response. */
  #report(): void {
    const { log, access } = this.#services;
    const { elapsedMs } = this.#context.get('timing');
    log.writeBatch(
      { summary: this.#summary, failures: this.#failures, durationMs: elapsedMs },
      this.#context,
    );
    const report = access.rateLimit?.limiter.report();
    if (report) this.#keepAlive(report);
  }

  get #summary() {
    return { images: this.#images.length, ...this.#counts };
  }

  get #requestId(): string {
    return this.#context.get('requestId');
  }

  readonly #keepAlive = (work: Promise<unknown>) => this.#context.executionCtx.waitUntil(work);
}
