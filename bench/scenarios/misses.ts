import { setTimeout as sleep } from 'node:timers/promises';
import { countCpu, type Processes } from '../cpu.ts';
import type { Image } from '../images.ts';
import { uploadOf, uploadsOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { LoadClient } from '../load/load-client.ts';
import type { NativeCall } from '../native/native-call.ts';
import type { Peer } from '../peer/peer.ts';
import type { Stack } from '../stack.ts';
import { type Figures, Series, type Summary } from '../statistics.ts';
import { newVariants, type Variant, variantBytes } from '../variants.ts';

export interface MissContestants {
  readonly stack: Stack;
  /** With the engine of the service. */
  readonly native: NativeCall;
  /** OpenCV's, where that is another one. */
  readonly opencv: NativeCall | undefined;
  readonly peer: Peer | undefined;
  readonly client: LoadClient;
}

/** One image, extracted again and again by each contestant in turn. */
export interface MissReport {
  readonly image: Image;
  readonly figures: Record<string, Summary>;
}

/** Before anything is measured: the result of the miss before is stored after its response. */
export const SETTLE_MS = 40;
const WARM_UP_ROUNDS = 2;

/**
 * Extracts every image by the service, by the native call alone, by OpenCV's and by the peer, one right after the other on the
 * same bytes, in an order that turns from round to round: other load on the machine affects all of them alike, and
 * what counts are the ratios within a turn.
 */
export async function measureMisses(
  contestants: MissContestants,
  images: readonly Image[],
  rounds: number,
): Promise<MissReport[]> {
  const series = new Map(images.map((image) => [image, new Series()]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const [image, ofImage] of series) {
      const figures = await measureTurn(contestants, image, round);
      if (round >= 0) ofImage.add(figures);
    }
  }
  return [...series].map(([image, ofImage]) => ({ image, figures: ofImage.summarise() }));
}

async function measureTurn(
  { stack, native, opencv, peer, client }: MissContestants,
  image: Image,
  round: number,
): Promise<Figures> {
  const [variant] = newVariants(image, 1);
  if (variant === undefined) return {};
  const contestants = [
    () => serviceFigures(client, stack, variant),
    () => floorFigures(client, stack.floor, variant),
    () => nativeFigures(native, variant),
    ...(opencv === undefined ? [] : [() => openCvFigures(opencv, variant)]),
    ...(peer === undefined ? [] : [() => peerFigures(client, peer, variant)]),
  ];
  const figures: Figures[] = [];
  const first = Math.abs(round) % contestants.length;
  for (const measure of [...contestants.slice(first), ...contestants.slice(0, first)]) {
    await sleep(SETTLE_MS);
    figures.push(await measure());
  }
  return withRatios(Object.assign({}, ...figures));
}

async function serviceFigures(client: LoadClient, stack: Stack, variant: Variant): Promise<Figures> {
  const { latencyMs, serverTiming, cpuMs } = await sendOne(client, stack, variant);
  const { queue = 0, decode = 0, sift = 0 } = phasesOf(serverTiming);
  return {
    service_ms: latencyMs,
    queue_ms: queue,
    decode_ms: decode,
    sift_ms: sift,
    /** By the service's own clock: all but decoding and SIFT. */
    around_ms: latencyMs - decode - sift,
    ...Object.fromEntries(Object.entries(cpuMs).map(([name, ms]) => [`cpu_${name}_ms`, ms])),
  };
}

async function floorFigures(client: LoadClient, floor: Stack['floor'], variant: Variant): Promise<Figures> {
  // What the service has just computed would be a hit.
  const [own = variant] = newVariants(variant.image, 1);
  const { latencyMs } = await sendOne(client, floor, own);
  return { floor_ms: latencyMs };
}

async function nativeFigures(native: NativeCall, variant: Variant): Promise<Figures> {
  const { decodeMs, siftMs } = await native.extract(variantBytes(variant));
  return { native_ms: decodeMs + siftMs, native_decode_ms: decodeMs, native_sift_ms: siftMs };
}

async function openCvFigures(opencv: NativeCall, variant: Variant): Promise<Figures> {
  const { decodeMs, siftMs } = await opencv.extract(variantBytes(variant));
  return { opencv_ms: decodeMs + siftMs };
}

async function peerFigures(client: LoadClient, peer: Peer, variant: Variant): Promise<Figures> {
  const { latencyMs, cpuMs } = await sendOne(client, peer, variant);
  return { peer_ms: latencyMs, cpu_peer_ms: cpuMs.uvicorn ?? 0 };
}

function withRatios(figures: Figures): Figures {
  const { service_ms = 0, floor_ms = 0, native_ms = 0, opencv_ms, peer_ms, around_ms = 0 } = figures;
  return {
    ...figures,
    native_times: service_ms / native_ms,
    floor_native_times: floor_ms / native_ms,
    around_percent: (around_ms / native_ms) * 100,
    ...(opencv_ms !== undefined && { opencv_times: opencv_ms / service_ms }),
    ...(peer_ms !== undefined && { peer_times: peer_ms / service_ms }),
  };
}

async function sendOne(
  client: LoadClient,
  service: { readonly url: string; readonly processes: Processes },
  variant: Variant,
) {
  const cpuSince = countCpu(service.processes);
  const { latenciesMs, serverTiming } = await client.send(missJob(service.url, [variant], 1));
  // Storing the result is a part of the work, though not of the wait for it.
  await sleep(SETTLE_MS);
  const [latencyMs = Number.NaN] = latenciesMs;
  return { latencyMs, serverTiming, cpuMs: cpuSince() };
}

/** Uploads of images that the service has never seen. */
export function missJob(url: string, variants: readonly Variant[], connections: number): LoadJob {
  const [first] = variants;
  if (first === undefined) throw new RangeError('no images');
  return {
    origin: url,
    ...uploadOf(first.image, 'multipart'),
    requests: uploadsOf(variants),
    connections,
    expectedCache: 'MISS',
  };
}

/** Milliseconds by phase, from a `Server-Timing` header (W3C). */
function phasesOf(serverTiming: string): Record<string, number> {
  const phases = serverTiming.matchAll(/([a-z]+);dur=([\d.]+)/g);
  return Object.fromEntries(Array.from(phases, ([, name = '', duration]) => [name, Number(duration)]));
}
