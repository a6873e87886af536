/** Why a storage failed to do what was requested. Only `unavailable` can pass by itself. */
export type StorageFailure = 'not_found' | 'forbidden' | 'too_large' | 'invalid' | 'unavailable';

/** The message is public: it names the object and no internals. What was caught is the cause. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly failure: StorageFailure;

  constructor(failure: StorageFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface GetOptions {
  /** An object that is larger is refused before more than this is in memory. */
  maxBytes: number;
  /** Which version, where the storage keeps several; the latest by default. */
  versionId?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Objects by key. The two kinds are a folder and a bucket; the rest of the service knows neither.
 *
 * Every method throws {@link StorageError}, or the reason of its signal.
 */
export interface Storage {
  /** Whether nothing reads the bytes of a `put` any more once it has resolved. A client over a network may. */
  readonly isDoneWithBytes: boolean;

  /** Keys that begin with a prefix, in the same order each time, page by page behind the scenes. */
  list(prefix: string, signal?: AbortSignal): AsyncGenerator<string>;

  /** The whole object, in an ArrayBuffer of its own. */
  get(key: string, options: GetOptions): Promise<Uint8Array<ArrayBuffer>>;

  /** The object as it arrives, for what does not fit into memory. */
  read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;

  exists(key: string): Promise<boolean>;

  /**
   * Of these keys those that are surely not there, as far as few requests can tell: for keys that lie close together in a
   * listing. Where a look at each key costs little, or nothing can be known, there are none.
   */
  absent(keys: readonly string[]): Promise<ReadonlySet<string>>;

  /** Writes the object whole or not at all: no reader sees a part of it. Replaces an existing one. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;

  /**
   * As {@link put}, but never replaces what is there, also where several write at the same time.
   *
   * @returns whether it was written
   */
  putNew(key: string, bytes: Uint8Array, contentType: string): Promise<boolean>;
}

/** Puts chunks together, in an ArrayBuffer of its own. @throws StorageError `too_large` */
export async function collect(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(name, maxBytes);
    parts.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export function tooLarge(name: string, maxBytes: number): StorageError {
  return new StorageError('too_large', `${name} is larger than ${maxBytes} bytes.`);
}
