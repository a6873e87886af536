import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { collect, type GetOptions, type Storage, StorageError, tooLarge } from './storage.ts';

export interface S3Options {
  /** Of a service that is not AWS: R2, MinIO, Ceph, Swift; buckets are then addressed by path. */
  endpoint: string | undefined;
  region: string;
}

/** A page has 1,000 keys: so many results of a job are mostly in one page, with further formats beside each. */
const KEYS_PER_PAGE = 200;
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Each is tried again by the client, with growing pauses, when the service fails or throttles. */
const ATTEMPTS = 4;

/**
 * A client for every service that speaks S3. Credentials come from where the AWS tools look for them: environment variables,
 * profiles, the roles of pods and machines.
 */
export function createS3Client({ endpoint, region }: S3Options): S3Client {
  return new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    maxAttempts: ATTEMPTS,
    // The checksums that AWS added in 2024 are refused by many services; the signature covers the body anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  });
}

/** The objects of one bucket. */
export class S3Storage implements Storage {
  readonly isDoneWithBytes = false;
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    try {
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
      for await (const { Contents = [] } of pages) {
        signal?.throwIfAborted();
        for (const { Key } of Contents) if (Key !== undefined) yield Key;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#errorOf(error, prefix);
    }
  }

  async get(key: string, options: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { maxBytes, versionId, signal } = options;
    const { body, length } = await this.#open(key, versionId, signal);
    if (length > maxBytes) {
      body.destroy();
      throw tooLarge(this.#name(key), maxBytes);
    }
    return collect(this.#chunks(body, key, signal), maxBytes, this.#name(key));
  }

  async *read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { body } = await this.#open(key, undefined, signal);
    yield* this.#chunks(body, key, signal);
  }

  async exists(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return true;
    } catch (error) {
      const failure = this.#errorOf(error, key);
      if (failure.failure === 'not_found') return false;
      throw failure;
    }
  }

  async absent(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const sorted = keys.toSorted(inListingOrder);
    const [first, last] = [sorted.at(0), sorted.at(-1)];
    if (first === undefined || last === undefined) return new Set();
    const present = await this.#keysBetween(first, last, Math.ceil(keys.length / KEYS_PER_PAGE));
    return new Set(present && keys.filter((key) => !present.has(key)));
  }

  async put(key: string, bytes: Uint8Array, contentType: string): Promise<void> {
    try {
      const input = { Bucket: this.#bucket, Key: key, Body: bytes, ContentType: contentType };
      await this.#client.send(new PutObjectCommand(input));
    } catch (error) {
      throw this.#errorOf(error, key);
    }
  }

  async putNew(key: string, bytes: Uint8Array, contentType: string): Promise<boolean> {
    // For services that ignore the condition of the request.
    if (await this.exists(key)) return false;
    try {
      const input = { Bucket: this.#bucket, Key: key, Body: bytes, ContentType: contentType };
      await this.#client.send(new PutObjectCommand({ ...input, IfNoneMatch: '*' }));
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 412 || status === 409) return false;
      if (status !== 501) throw this.#errorOf(error, key);
      // Not implemented there: what remains is the short time since the question.
      await this.put(key, bytes, contentType);
      return true;
    }
  }

  /** All keys from the first to the last; undefined where they take more pages, or may not be listed. */
  async #keysBetween(first: string, last: string, pages: number): Promise<ReadonlySet<string> | undefined> {
    const Prefix = commonStart(first, last);
    const present = new Set<string>();
    // What is listed comes after this key.
    let StartAfter = [...first].slice(0, -1).join('');
    for (let page = 0; page < pages; page += 1) {
      const input = { Bucket: this.#bucket, Prefix, StartAfter };
      const listed = await this.#client.send(new ListObjectsV2Command(input)).catch(() => undefined);
      if (!listed) return undefined;
      for (const { Key } of listed.Contents ?? []) if (Key !== undefined) present.add(Key);
      StartAfter = listed.Contents?.at(-1)?.Key ?? last;
      if (!listed.IsTruncated || inListingOrder(StartAfter, last) >= 0) return present;
    }
    return undefined;
  }

  async #open(
    key: string,
    VersionId: string | undefined,
    abortSignal: AbortSignal | undefined,
  ): Promise<{ body: Readable; length: number }> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...(VersionId && { VersionId }) });
    try {
      const { Body, ContentLength = 0 } = await this.#client.send(command, {
        ...(abortSignal && { abortSignal }),
      });
      if (!(Body instanceof Readable)) throw new TypeError('the S3 client gave no stream');
      return { body: Body, length: ContentLength };
    } catch (error) {
      abortSignal?.throwIfAborted();
      throw this.#errorOf(error, key);
    }
  }

  async *#chunks(body: Readable, key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const abort = () => body.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      yield* body;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#errorOf(error, key);
    } finally {
      signal?.removeEventListener('abort', abort);
      body.destroy();
    }
    signal?.throwIfAborted();
  }

  #name(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  #errorOf(error: unknown, key: string): StorageError {
    if (error instanceof StorageError) return error;
    const name = this.#name(key);
    const options = { cause: error };
    const status = statusOf(error);
    if (status === 404) return new StorageError('not_found', `${name} does not exist.`, options);
    if (status === 401 || status === 403 || isMissingCredentials(error)) {
      return new StorageError('forbidden', `The credentials do not allow access to ${name}.`, options);
    }
    if (status !== undefined && status !== 429 && status !== 408 && status < 500) {
      return new StorageError('invalid', `The storage refuses ${name}.`, options);
    }
    return new StorageError('unavailable', `${name} cannot be reached at the moment.`, options);
  }
}

/** S3 orders keys by their bytes in UTF-8. */
function inListingOrder(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  // Not the first half of a character outside of the basic plane.
  return one.slice(0, length).replace(/[\uD800-\uDBFF]$/u, '');
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function isMissingCredentials(error: unknown): boolean {
  return error instanceof Error && error.name === 'CredentialsProviderError';
}
