import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DETECT, imageForm, postImage, readDetection } from '../fixtures/edge-client.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { idleClient, requestBytes } from '../fixtures/idle-client.ts';
import { flatImage, newImage } from '../fixtures/images.ts';
import { residentBytes } from '../fixtures/resident-memory.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

// All at once, on workerd, the gateway, a Redis and an origin of two threads: two flat images of 49 megapixels with the
// most layers, 60 clients that announce an upload and send nothing, 100 that ask for megabytes and read nothing, 40 large
// matches, and 200 new images of one client against its limit of four. Others send small new images meanwhile.
const ATTACK_MS = 15_000;
const ADDRESS = 'x-client-address';
const MISS_COST = 1_000;
const NEW_IMAGES_PER_CLIENT = 4;
const NFEATURES = 20_000;

/** Each client has an address, and so a limit and a fair share, of its own. */
let clients = 0;
const newClient = () => {
  clients += 1;
  return { [ADDRESS]: `192.0.${Math.floor(clients / 250)}.${1 + (clients % 250)}` };
};

const medianOf = (times: number[]) =>
  times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN;

describe.runIf(IS_THOROUGH)(inThorough('an attack'), () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    stack = await startEdgeStack({
      runtime: 'workerd',
      originEnvironment: { ORIGIN_THREADS: '2' },
      edgeEnvironment: {
        REDIS_TIMEOUT_MS: '3000',
        CLIENT_ADDRESS_HEADER: ADDRESS,
        RATE_LIMIT: String(NEW_IMAGES_PER_CLIENT * MISS_COST),
        RATE_LIMIT_MISS_COST: String(MISS_COST),
        RATE_LIMIT_WINDOW_S: '600',
      },
    });
  });
  afterAll(() => stack?.stop());

  /** Sends a small image that nobody has sent before; gives how long that took. @throws where it fails */
  async function smallNewImage(): Promise<number> {
    const picture = await newImage(320, 240);
    const startedAt = performance.now();
    await readDetection(await postImage(stack.url, picture, { headers: newClient() }));
    return performance.now() - startedAt;
  }

  test('does not keep others from having small new images done', { timeout: 180_000 }, async () => {
    const rich = await Promise.all([newImage(1_100, 1_000), newImage(1_100, 1_000)]);
    const query = `?nfeatures=${NFEATURES}`;
    const found = await Promise.all(
      rich.map(async (picture) =>
        readDetection(await postImage(stack.url, picture, { query, headers: newClient() })),
      ),
    );
    expect(found.map(({ keypoints }) => keypoints)).toEqual([NFEATURES, NFEATURES]);
    const flat = await flatImage(7_000, 7_000, { compressionLevel: 1 });
    const mine = await Promise.all(Array.from({ length: 200 }, () => newImage(96, 72)));
    const quiet: number[] = [];
    for (let image = 0; image < 8; image += 1) quiet.push(await smallNewImage());
    const residentAtStart = residentBytes(stack.edgePid);

    const over = new AbortController();
    const { signal } = over;
    const send = (path: string, init: RequestInit) =>
      fetch(stack.url + path, { method: 'POST', signal, ...init }).then(
        async (response) => [response.status, await response.text()] as const,
        () => [0, ''] as const,
      );
    // Decoders ignore what follows the image, hashes do not.
    const flats = [1, 2].map((last) =>
      send(`${DETECT}?n_octave_layers=8`, {
        body: imageForm(new Uint8Array([...flat, last])),
        headers: newClient(),
      }),
    );
    const announced = Buffer.from(
      `POST ${DETECT} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 9000000\r\n\r\n`,
    );
    const idle = Array.from({ length: 60 }, () => idleClient(stack.url, announced));
    const readers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const body = imageForm(rich[0]);
        const url = `${stack.url}${DETECT}${query}&include=all`;
        return idleClient(stack.url, await requestBytes(url, { body, headers: newClient() }));
      }),
    );
    const [image1 = '', image2 = ''] = found.map(({ image }) => image.sha256);
    const matches = Array.from({ length: 40 }, (_, index) => {
      const body = new FormData();
      // No two are the same, so that each is computed.
      const fields = { image1, image2, nfeatures: String(NFEATURES), ratio: String(0.6 + index / 200) };
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      return send('/api/v1/match', { body, headers: newClient() });
    });
    const attacker = newClient();
    const flood = mine.map((picture) => send(DETECT, { body: imageForm(picture), headers: attacker }));

    const times: number[] = [];
    const endsAt = Date.now() + ATTACK_MS;
    const user = async () => {
      while (Date.now() < endsAt) {
        times.push(await smallNewImage());
        await sleep(100);
      }
    };
    await Promise.all([user(), user()]);
    const grownBy = residentBytes(stack.edgePid) - residentAtStart;
    over.abort();
    for (const socket of [...idle, ...readers]) socket.destroy();

    const statuses = async (sent: Promise<readonly [number, string]>[]) =>
      Object.groupBy(
        (await Promise.all(sent)).map(([status]) => status),
        String,
      );
    const report = {
      quietMs: medianOf(quiet),
      medianMs: medianOf(times),
      longestMs: Math.max(...times),
      images: times.length,
      grownBy,
      flats: Object.entries(await statuses(flats)).map(([status, all]) => [status, all?.length]),
      matches: Object.entries(await statuses(matches)).map(([status, all]) => [status, all?.length]),
      flood: Object.entries(await statuses(flood)).map(([status, all]) => [status, all?.length]),
    };
    process.stderr.write(`attack: ${JSON.stringify(report)}\n`);
    // On a machine that others use too, everything takes longer.
    expect(report.medianMs).toBeLessThan(Math.max(2_000, 8 * report.quietMs));
    expect(grownBy).toBeLessThan(280e6);
    const refused = (await statuses(flood))['429'] ?? [];
    expect(refused.length).toBeGreaterThanOrEqual(mine.length - NEW_IMAGES_PER_CLIENT);
    expect(
      Object.keys(await statuses(matches)).filter((status) => !['0', '200', '503'].includes(status)),
    ).toEqual([]);
  });
});
