/**
 * What asking by hash saves a client: bytes on the wire, and time, against uploading each time.
 *
 *     node bench/hash-first.ts
 *
 * Client and service are on one machine, so the times are without a network; how long the bytes sent would take on
 * a slow uplink is computed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type Image, loadImages } from './images.ts';
import { startStack } from './stack.ts';
import { median } from './statistics.ts';

const ROUNDS = 200;
const WARM_UP_ROUNDS = 50;
const UPLINK_BITS_PER_MS = 10_000;
const FEATURES = '/api/v1/features';

interface Message {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** One way to come by features, from image file to response. */
interface Way {
  readonly name: string;
  readonly status: number;
  readonly message: () => Message;
}

interface Exchange {
  readonly ms: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** What had gone through each connection after its last exchange. */
const counted = new WeakMap<Socket, { written: number; read: number }>();

/** Sends a message over the one connection, and counts what goes through it. */
async function exchange(url: string, { status, message }: Way): Promise<Exchange & { etag: string }> {
  const startedAt = performance.now();
  const { method, path, headers = {}, body } = message();
  const outgoing = request(url + path, { method, agent, headers });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  if (!(response instanceof IncomingMessage)) throw new Error('no response');
  const { socket } = response;
  const content = await buffer(response);
  const ms = performance.now() - startedAt;
  if (response.statusCode !== status)
    throw new Error(`${response.statusCode} for ${method} ${path}: ${content}`);
  const before = counted.get(socket) ?? { written: 0, read: 0 };
  counted.set(socket, { written: socket.bytesWritten, read: socket.bytesRead });
  return {
    ms,
    sentBytes: socket.bytesWritten - before.written,
    receivedBytes: socket.bytesRead - before.read,
    etag: response.headers.etag ?? '',
  };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function upload(image: Image, query: string): Way {
  const form = (body: string) => Buffer.from(body.replaceAll('\n', '\r\n'));
  const body = Buffer.concat([
    form(`--x\nContent-Disposition: form-data; name="image"; filename="${image.name}"\n\n`),
    image.bytes,
    form('\n--x--\n'),
  ]);
  const headers = {
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': String(body.length),
  };
  const message: Message = { method: 'POST', path: `${FEATURES}/detect${query}`, headers, body };
  return { name: 'upload', status: 200, message: () => message };
}

/** Hashes the image each time, as a client must. */
function byHash({ bytes }: Image, query: string): Way {
  const message = (): Message => ({ method: 'GET', path: `${FEATURES}/${sha256(bytes)}${query}` });
  return { name: 'hash, GET', status: 200, message };
}

function revalidate(image: Image, query: string, etag: string): Way {
  const headers = { 'if-none-match': etag };
  const message = () => ({ ...byHash(image, query).message(), headers });
  return { name: 'hash, GET, 304', status: 304, message };
}

/** What it costs when nobody has sent the image yet; the upload comes on top. */
function unknown({ bytes }: Image, query: string): Way {
  const message = (): Message => {
    const other = Buffer.concat([randomBytes(16), bytes.subarray(16)]);
    return { method: 'GET', path: `${FEATURES}/${sha256(other)}${query}` };
  };
  return { name: 'hash, GET, 404', status: 404, message };
}

async function measure(url: string, way: Way): Promise<Exchange> {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await exchange(url, way);
  const exchanges: Exchange[] = [];
  for (let round = 0; round < ROUNDS; round += 1) exchanges.push(await exchange(url, way));
  const medianOf = (figure: keyof Exchange) => median(exchanges.map((each) => each[figure]));
  return { ms: medianOf('ms'), sentBytes: medianOf('sentBytes'), receivedBytes: medianOf('receivedBytes') };
}

function row(name: string, { ms, sentBytes, receivedBytes }: Exchange): string {
  const uplinkMs = (sentBytes * 8) / UPLINK_BITS_PER_MS;
  const cells = [name, sentBytes, receivedBytes, ms.toFixed(2), uplinkMs.toFixed(1)];
  return `| ${cells.join(' | ')} |\n`;
}

const { small, large, source } = await loadImages(undefined);
const stack = await startStack();
try {
  process.stdout.write(`Images: ${source}. Medians of ${ROUNDS}; the cached are in isolate memory.\n\n`);
  process.stdout.write('| | bytes sent | bytes received | ms | + ms to send at 10 Mbit/s, computed |\n');
  process.stdout.write('|---|---|---|---|---|\n');
  for (const image of [small, large]) {
    for (const [response, query] of Object.entries({ summary: '', npz: '?format=npz' })) {
      const { etag } = await exchange(stack.url, upload(image, query));
      const ways = [
        upload(image, query),
        byHash(image, query),
        revalidate(image, query, etag),
        unknown(image, query),
      ];
      for (const way of ways) {
        const figures = await measure(stack.url, way);
        process.stdout.write(row(`${image.name}, ${response}: ${way.name}`, figures));
      }
    }
  }
} finally {
  agent.destroy();
  await stack.stop();
}
