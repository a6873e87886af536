import { ServiceError } from '../../shared/contract/errors.ts';
import type { MemoryLease } from '../resilience/memory-budget.ts';

export interface BodyLimits {
  /** Most bytes of the body. */
  maxBytes: number;
  /** Longest time that it may take to arrive. */
  timeoutMs: number;
}

/** A body over its limit is read and discarded up to this length: a client that is cut off never sees the response. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;
/** The longest time for that. */
const LONGEST_DISCARDING_MS = 20_000;
/** A body of at most this announced length is read by one native call, and takes this much room from the start. */
const SMALL_BODY_BYTES = 128 * 1024;
/** A larger body holds this much until this much has arrived, and then room for all of it: a client that only announces holds little. */
const FIRST_STEP_BYTES = 64 * 1024;
/** Factor by which the room for a body of unannounced length grows. */
const GROWTH = 4;
/** Large enough that few reads are made, small enough that a slow client is seen to move. */
const LEAST_READ_BYTES = 64 * 1024;
/** How often a reading request looks whether its room was taken from it. */
const WATCH_MS = 500;

/** The room that reading a body takes at first. */
export function firstRoomFor(request: Request, { maxBytes }: BodyLimits): number {
  const length = declaredLength(request) ?? FIRST_STEP_BYTES;
  return Math.min(length, maxBytes, length <= SMALL_BODY_BYTES ? SMALL_BODY_BYTES : FIRST_STEP_BYTES);
}

/** The room that it takes in the end, as far as its head says. */
export function wholeRoomFor(request: Request, { maxBytes }: BodyLimits): number {
  return Math.min(declaredLength(request) ?? FIRST_STEP_BYTES, maxBytes);
}

/** Whether the head announces a body that {@link collectBody} reads by one native call. */
export function announcesSmallBody(request: Request): boolean {
  const length = declaredLength(request);
  return length !== undefined && length <= SMALL_BODY_BYTES;
}

/**
 * Reads a body into one buffer of its own.
 *
 * @param lease has {@link firstRoomFor} this body; grows with what arrives
 * @throws ServiceError `IMAGE_TOO_LARGE`, `SERVICE_TIMEOUT` for a body that arrives too slowly, `OVERLOADED`,
 *   `INVALID_IMAGE` for one that breaks off
 */
export async function collectBody(
  request: Request,
  limits: BodyLimits,
  lease: MemoryLease,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = declaredLength(request);
  if (length !== undefined && length > MAX_DISCARDED_BYTES) throw tooManyBytes(limits.maxBytes);
  if (length !== undefined && length > limits.maxBytes) lease.resize(0);
  lease.moved(0);
  try {
    const body = await inTime(beginReading(request, length, limits, lease), limits.timeoutMs, lease);
    lease.settle();
    return body;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('INVALID_IMAGE', 'The upload ended before it was complete.', { cause: error });
  }
}

/** Holds a body of a few kilobytes: it needs no room of its own. */
const UNCOUNTED: MemoryLease = {
  bytes: 0,
  isEnded: false,
  waitedMs: 0,
  resize: async () => undefined,
  fit: () => undefined,
  moved: () => undefined,
  settle: () => undefined,
  release: () => undefined,
};

/** Reads a body of a few kilobytes at most. Errors as of {@link collectBody}. */
export function collectSmallBody(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  return collectBody(request, limits, UNCOUNTED);
}

/**
 * Reads and discards a body that is not needed, so that its client gets the response and not a broken connection. Gives
 * up when nothing arrives for `pauseMs`, and after {@link LONGEST_DISCARDING_MS}.
 */
export async function discardBody(request: Request, pauseMs: number): Promise<void> {
  const length = declaredLength(request);
  if (!request.body || (length !== undefined && length > MAX_DISCARDED_BYTES)) return;
  const giveUpAt = Date.now() + LONGEST_DISCARDING_MS;
  let movedAt = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const paused = new Promise<void>((resolve) => {
    const watch = () => {
      const waitMs = Math.min(giveUpAt, movedAt + pauseMs) - Date.now();
      if (waitMs <= 0) resolve();
      else timer = setTimeout(watch, waitMs);
    };
    watch();
  });
  const moved = () => {
    movedAt = Date.now();
  };
  const reader = request.body.getReader();
  await Promise.race([discard(reader, moved).catch(() => undefined), paused]);
  if (timer !== undefined) clearTimeout(timer);
  cancelOf(reader)();
}

/** `Content-Length`; undefined where the head does not announce it. */
function declaredLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}

/** A body on its way. */
interface Reading {
  bytes: Promise<Uint8Array<ArrayBuffer>>;
  /** Ends it: nothing more is read, and what was read is let go. */
  cancel: () => void;
}

function beginReading(
  request: Request,
  length: number | undefined,
  { maxBytes }: BodyLimits,
  lease: MemoryLease,
): Reading {
  if (announcesSmallBody(request) && Number(length) <= maxBytes) {
    const bytes = request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    return { bytes, cancel: () => undefined };
  }
  const byteReader = length === undefined || length > maxBytes ? undefined : byteReaderOf(request.body);
  if (byteReader && length !== undefined) {
    return { bytes: readKnownLength(byteReader, length, lease), cancel: cancelOf(byteReader) };
  }
  if (!request.body) return { bytes: Promise.resolve(new Uint8Array()), cancel: () => undefined };
  const reader = request.body.getReader();
  const isRefused = length !== undefined && length > maxBytes;
  const bytes = isRefused ? refuse(reader, maxBytes) : readUnknownLength(reader, maxBytes, lease);
  return { bytes, cancel: cancelOf(reader) };
}

function cancelOf(reader: { cancel(reason: unknown): Promise<unknown> }): () => void {
  return () => void reader.cancel('not wanted any more').catch(() => undefined);
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function refuse(reader: Reader, maxBytes: number): Promise<never> {
  await discard(reader);
  throw tooManyBytes(maxBytes);
}

async function discard(reader: Reader, moved?: () => void): Promise<void> {
  let length = 0;
  for (;;) {
    const { value } = await reader.read();
    moved?.();
    length += value?.length ?? 0;
    if (!value) return;
    if (length > MAX_DISCARDED_BYTES) return cancelOf(reader)();
  }
}

/** Reads into a view of ours, whose buffer it takes and gives back. `min` is not in the library's types yet. */
interface ByteReader {
  read(
    view: Uint8Array,
    options: { min: number },
  ): Promise<{ done: boolean; value?: Uint8Array<ArrayBuffer> }>;
  cancel(reason: unknown): Promise<void>;
}

function byteReaderOf(body: ReadableStream<Uint8Array> | null): ByteReader | undefined {
  try {
    return body?.getReader({ mode: 'byob' }) as ByteReader | undefined;
  } catch {
    // Not a byte stream on this platform.
    return undefined;
  }
}

async function readKnownLength(
  reader: ByteReader,
  length: number,
  lease: MemoryLease,
): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new ArrayBuffer(Math.min(length, FIRST_STEP_BYTES));
  let received = 0;
  while (received < length) {
    if (lease.isEnded) throw tooSlow();
    if (received === buffer.byteLength) buffer = await grow(buffer, length, lease);
    const view = new Uint8Array(buffer, received);
    const min = Math.min(view.length, LEAST_READ_BYTES);
    const { done, value } = await reader.read(view, { min });
    if (!value) throw new Error('the body ended early');
    buffer = value.buffer;
    received += value.length;
    lease.moved(value.length);
    if (done) break;
  }
  if (received < length) throw new Error('the body ended early');
  return new Uint8Array(buffer);
}

async function grow(buffer: ArrayBuffer, length: number, lease: MemoryLease): Promise<ArrayBuffer> {
  await lease.resize(length);
  const larger = new ArrayBuffer(length);
  new Uint8Array(larger).set(new Uint8Array(buffer));
  return larger;
}

async function readUnknownLength(
  reader: Reader,
  maxBytes: number,
  lease: MemoryLease,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { value: chunk } = await reader.read();
    if (lease.isEnded) throw tooSlow();
    if (!chunk) break;
    length += chunk.length;
    lease.moved(chunk.length);
    if (length <= maxBytes) chunks.push(new Uint8Array(chunk));
    else chunks.length = 0;
    if (length > MAX_DISCARDED_BYTES) break;
    if (length > lease.bytes && length <= maxBytes) await lease.resize(Math.min(maxBytes, length * GROWTH));
  }
  if (length > maxBytes) throw tooManyBytes(maxBytes);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Ends a body that arrives too slowly: after its time limit, or earlier if other requests wait for its memory. */
async function inTime(
  { bytes, cancel }: Reading,
  timeoutMs: number,
  lease: MemoryLease,
): Promise<Uint8Array<ArrayBuffer>> {
  const startedAt = Date.now();
  // While it waits for room of ours, its client cannot send.
  const leftMs = () => startedAt + timeoutMs + lease.waitedMs - Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const watch = () => {
      if (lease.isEnded) reject(tooSlow());
      else if (leftMs() <= 0) reject(tookTooLong(timeoutMs));
      else timer = setTimeout(watch, Math.min(WATCH_MS, leftMs()));
    };
    timer = setTimeout(watch, Math.min(WATCH_MS, timeoutMs));
  });
  try {
    return await Promise.race([bytes, late]);
  } catch (error) {
    cancel();
    throw error;
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}

function tookTooLong(timeoutMs: number): ServiceError {
  return new ServiceError('SERVICE_TIMEOUT', `The upload took longer than ${timeoutMs / 1000} s.`, {
    details: { limit: 'upload_time', max_ms: timeoutMs },
  });
}

function tooSlow(): ServiceError {
  return new ServiceError(
    'SERVICE_TIMEOUT',
    'The upload was too slow while other requests waited for memory.',
    {
      details: { limit: 'upload_rate' },
    },
  );
}

function tooManyBytes(maxBytes: number): ServiceError {
  return new ServiceError('IMAGE_TOO_LARGE', `The upload is larger than ${maxBytes} bytes.`, {
    details: { limit: 'bytes', max: maxBytes },
  });
}
