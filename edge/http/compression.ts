import { accepts } from 'hono/accepts';
import type { EdgeContext } from '../context.ts';

/** From about here on the feature arrays are text worth compressing: 9 kB without descriptors. */
const LARGE_KEYPOINTS = 100;

/**
 * Whether a response is to be sent in gzip: the client takes it, there are features in plenty, and the platform does not
 * compress by itself. Cloudflare does after the Worker, at no cost to it; workerd on its own and Deno do not.
 */
export function wantsGzip(context: EdgeContext, keypoints: number): boolean {
  return keypoints >= LARGE_KEYPOINTS && !isOnCloudflare(context) && acceptsGzip(context);
}

/**
 * The chunks in gzip. No more is compressed than is read: the platform's own pipe would hold all of it for a reader that
 * does not read.
 */
export async function* gzipChunks(chunks: Iterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new CompressionStream('gzip');
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  let isOpen = true;
  try {
    for (;;) {
      const reading = reader.read();
      let hasRead = false;
      const read = reading.then((result) => {
        hasRead = true;
        return result;
      });
      while (isOpen && !hasRead) {
        const { done, value } = chunks.next();
        if (done) isOpen = false;
        const written = done ? writer.close() : writer.write(new Uint8Array(value));
        await Promise.race([written, read]);
      }
      const { done, value } = await read;
      if (done) return;
      yield value;
    }
  } finally {
    // Its reader may have left before the end.
    await reader.cancel().catch(() => undefined);
    chunks.return?.();
  }
}

function acceptsGzip(context: EdgeContext): boolean {
  const supports = ['gzip', 'identity'];
  return accepts(context, { header: 'Accept-Encoding', supports, default: 'identity' }) === 'gzip';
}

/** There `request.cf` names the data centre that the connection came to. */
function isOnCloudflare(context: EdgeContext): boolean {
  const connection: unknown = Reflect.get(context.req.raw, 'cf');
  return typeof connection === 'object' && connection !== null && 'colo' in connection;
}
