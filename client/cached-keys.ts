import type { CacheDeletionResponse, CacheEntryResponse, CacheListResponse } from './contract.ts';
import type { CallOptions, Transport } from './transport/transport.ts';

const PATH = '/api/v1/cache/keys';
const PAGE_LENGTH = 1000;

/** The results that the service has cached, by feature key. Takes a key of scope `admin`. */
export class CachedKeys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @param pattern Redis' glob pattern for the whole key, as in `*​/<sha256 of an image>`; a key can come twice */
  async *list(pattern = '*', call: CallOptions = {}): AsyncGenerator<CacheListResponse['keys'][number]> {
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const page: CacheListResponse = await this.#transport.sendForJson({
        ...call,
        path: PATH,
        query: { pattern, cursor, limit: PAGE_LENGTH },
      });
      yield* page.keys;
      cursor = page.cursor;
    }
  }

  /** @throws EdgesiftError `NOT_FOUND` */
  inspect(key: string, call: CallOptions = {}): Promise<CacheEntryResponse> {
    return this.#transport.sendForJson({ ...call, path: pathOf(key) });
  }

  /** @throws EdgesiftError `NOT_FOUND` */
  delete(key: string, call: CallOptions = {}): Promise<CacheDeletionResponse> {
    return this.#transport.sendForJson({ ...call, method: 'DELETE', path: pathOf(key) });
  }

  /**
   * Deletes every result whose key matches.
   *
   * @param pattern `*` for everything
   * @returns how many keys are gone
   */
  async clear(pattern: string, call: CallOptions = {}): Promise<number> {
    let deleted = 0;
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const page: CacheDeletionResponse = await this.#transport.sendForJson({
        ...call,
        method: 'DELETE',
        path: PATH,
        query: { pattern, cursor },
      });
      deleted += page.deleted_keys;
      cursor = page.cursor;
    }
    return deleted;
  }
}

/** The slashes of a key stay slashes. */
function pathOf(key: string): string {
  return `${PATH}/${key.split('/').map(encodeURIComponent).join('/')}`;
}
