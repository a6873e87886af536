import { LRUCache } from 'lru-cache';
import { ServiceError } from '../../shared/contract/errors.ts';
import { SingleFlight } from '../resilience/single-flight.ts';
import { type ApiKeyRecord, apiKeyIdOf, hashApiKey } from './api-key.ts';
import type { ApiKeyStore } from './api-key-store.ts';

/** How long a key that Redis confirmed is believed: the longest that a revoked key still works. */
const CONFIRMED_MS = 60_000;
/** A key in use is looked up again after this time, in the background: no request waits for it. */
const REFRESH_AFTER_MS = 30_000;
/** Bounds the look-ups that one wrong key can cause; a key made just now works after this time at the latest. */
const REFUSED_MS = 5_000;
const REMEMBERED_KEYS = 1_000;
/** The platform may end the request that does the look-up: a request that shares it needs its own limit. */
const LONGEST_WAIT_MS = 3_000;
const RETRY_AFTER_SECONDS = 2;

type KeepAlive = (work: Promise<unknown>) => void;

/**
 * Finds the owner of a request's key, mostly in this isolate's memory: Redis is read when a key is first seen,
 * and in the background as long as it is used.
 */
export class Authenticator {
  readonly #store: ApiKeyStore;
  readonly #confirmed = new LRUCache<string, { record: ApiKeyRecord; at: number }>({ max: REMEMBERED_KEYS });
  readonly #refusedAt = new LRUCache<string, number>({ max: REMEMBERED_KEYS });
  readonly #lookUps = new SingleFlight<ApiKeyRecord | undefined>(LONGEST_WAIT_MS);

  constructor(store: ApiKeyStore) {
    this.#store = store;
  }

  /** What this isolate knows of a key: its record, null for a wrong one, undefined when Redis must be read. */
  recall(key: string, keepAlive: KeepAlive): ApiKeyRecord | null | undefined {
    if (apiKeyIdOf(key) === undefined) return null;
    const now = Date.now();
    const confirmed = this.#confirmed.get(key);
    if (confirmed && now - confirmed.at < CONFIRMED_MS) {
      if (now - confirmed.at > REFRESH_AFTER_MS) this.#refresh(key, keepAlive);
      return confirmed.record;
    }
    return now - (this.#refusedAt.get(key) ?? 0) < REFUSED_MS ? null : undefined;
  }

  /**
   * Asks Redis.
   *
   * @throws ServiceError `SERVICE_NOT_READY` when it does not respond
   */
  async lookUp(key: string, keepAlive: KeepAlive): Promise<ApiKeyRecord | null> {
    try {
      const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
      return (await this.#lookUps.run(key, () => this.#ask(key), { signal, keepAlive })) ?? null;
    } catch (error) {
      throw new ServiceError('SERVICE_NOT_READY', 'API keys cannot be checked at the moment.', {
        cause: error,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
  }

  #refresh(key: string, keepAlive: KeepAlive): void {
    if (this.#lookUps.has(key)) return;
    keepAlive(this.lookUp(key, keepAlive).catch(() => undefined));
  }

  async #ask(key: string): Promise<ApiKeyRecord | undefined> {
    const record = await this.#store.find(apiKeyIdOf(key) ?? '');
    // Timing reveals nothing here: a client cannot choose the hash that is compared.
    const valid = record && record.revoked_at === null && record.sha256 === (await hashApiKey(key));
    if (valid) {
      this.#confirmed.set(key, { record, at: Date.now() });
      return record;
    }
    this.#confirmed.delete(key);
    this.#refusedAt.set(key, Date.now());
    return undefined;
  }
}
