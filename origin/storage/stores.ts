import { LRUCache } from 'lru-cache';
import { FolderStorage } from './folder.ts';
import type { ObjectLocation } from './location.ts';
import { type Storage, StorageError } from './storage.ts';

export interface StoreOptions {
  /** Absolute paths of the folders that may be read and written. */
  folders: readonly string[];
  /** Undefined where no bucket may be used. */
  s3: { endpoint: string | undefined; region: string } | undefined;
}

const MOST_BUCKETS = 100;

/** The storages that jobs may use, by location. */
export class Stores {
  readonly #folder: FolderStorage;
  readonly #s3: StoreOptions['s3'];
  readonly #buckets = new LRUCache<string, Storage>({ max: MOST_BUCKETS });
  #client: Promise<(bucket: string) => Storage> | undefined;

  constructor({ folders, s3 }: StoreOptions) {
    this.#folder = new FolderStorage(folders);
    this.#s3 = s3;
  }

  /** @throws StorageError `forbidden` for a kind that is not set up */
  async at({ kind, bucket }: Pick<ObjectLocation, 'kind' | 'bucket'>): Promise<Storage> {
    if (kind === 'folder') return this.#folder;
    const known = this.#buckets.get(bucket);
    if (known) return known;
    const storage = (await this.#openS3())(bucket);
    this.#buckets.set(bucket, storage);
    return storage;
  }

  /** The client is large: it is loaded only if buckets are used. */
  async #openS3(): Promise<(bucket: string) => Storage> {
    const options = this.#s3;
    if (!options) throw new StorageError('forbidden', 'Buckets are not enabled on this service (JOBS_S3).');
    this.#client ??= import('./s3.ts').then(({ createS3Client, S3Storage }) => {
      const client = createS3Client(options);
      return (bucket) => new S3Storage(client, bucket);
    });
    return this.#client;
  }
}
