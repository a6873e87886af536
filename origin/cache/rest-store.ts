import type { RecordStore } from './record-store.ts';

const TIMEOUT_MS = 5_000;

/**
 * A Redis behind Upstash's REST protocol, one record in each request: Upstash takes 10 MB in one, and a record has at
 * most 8. For stores that have no TCP endpoint, such as the embedded one of `npm start`.
 */
export function createRestStore({ url, token }: { url: string; token: string }): RecordStore {
  return {
    async set(records, ttlSeconds) {
      for (const [key, value] of records) {
        const response = await fetch(url, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(['SET', key, textOf(value), 'EX', ttlSeconds]),
          signal: AbortSignal.timeout(TIMEOUT_MS),
          redirect: 'manual',
        });
        await response.body?.cancel();
        if (!response.ok) throw new Error(`the store responded with status ${response.status}`);
      }
    },
    close: () => undefined,
  };
}

function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : new TextDecoder().decode(value);
}
