/** `node bench/decoding.ts`: decoding a JPEG to grey by the addon (libjpeg-turbo) and by sharp (libvips), in turn. */
import sharp from 'sharp';
import { loadNativeAddon } from '../origin/native/addon.ts';
import { type Image, imageOf, loadImages } from './images.ts';
import { type Column, number, shown, table } from './report/table.ts';
import { Series, type Summary } from './statistics.ts';

const ROUNDS = 25;
const LARGE = { width: 4000, height: 3000 };

const addon = loadNativeAddon();

function byAddon({ bytes, width, height }: Image): number {
  return addon.decodeJpeg(bytes, { width, height, channels: 1, applyOrientation: true }).pixels.length;
}

/** To R, G, B, and from there to OpenCV's grey: libvips' own is another one. */
async function bySharp({ bytes, width, height }: Image): Promise<number> {
  const pixels = await sharp(bytes, { failOn: 'error', ignoreIcc: true })
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return addon.toGrey({ pixels, width, height, channels: 3 }).length;
}

async function cpuMs(work: () => Promise<number> | number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

interface Row {
  readonly image: Image;
  readonly figures: Record<string, Summary>;
}

async function measure(image: Image): Promise<Row> {
  const series = new Series();
  for (let round = -3; round < ROUNDS; round += 1) {
    const figures = {
      addon_ms: await cpuMs(() => byAddon(image)),
      sharp_ms: await cpuMs(() => bySharp(image)),
    };
    if (round >= 0) series.add(figures);
  }
  return { image, figures: series.summarise() };
}

const { small } = await loadImages(undefined);
const enlarged = await sharp(small.bytes).resize(LARGE).jpeg({ quality: 90 }).toBuffer();
const rows = [await measure(small), await measure(imageOf('enlarged.jpg', enlarged))];
const columns: Column<Row>[] = [
  ['JPEG', ({ image: { width, height } }) => `${width}×${height}`],
  ['addon, CPU ms', ({ figures }) => shown(figures.addon_ms)],
  ['sharp, CPU ms', ({ figures }) => shown(figures.sharp_ms)],
  ['addon, pixels MB', ({ image: { width, height } }) => number((width * height) / 1e6)],
  ['sharp, pixels MB', ({ image: { width, height } }) => number((width * height * 4) / 1e6)],
];
process.stdout.write(`${table(columns, rows)}\n`);
