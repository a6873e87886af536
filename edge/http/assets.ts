/** The files of the pages, as `build/assets` holds them: every platform has its own way to read them. */
export interface Assets {
  /** The file's content; undefined where there is none of this name. */
  open(name: string): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** Cloudflare's `ASSETS` binding, or workerd's disk service in its place. */
interface Fetcher {
  fetch(url: string): Promise<Response>;
}

export function assetsOf(binding: unknown): Assets {
  if (!isFetcher(binding)) return NO_ASSETS;
  return {
    async open(name) {
      const response = await binding.fetch(`https://assets/${name}`);
      return response.ok ? (response.body ?? undefined) : undefined;
    },
  };
}

const NO_ASSETS: Assets = { open: async () => undefined };

function isFetcher(binding: unknown): binding is Fetcher {
  return typeof binding === 'object' && binding !== null && 'fetch' in binding;
}
