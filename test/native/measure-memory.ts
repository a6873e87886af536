// Run with --expose-gc and the name of an engine. Prints resident bytes after warming up, after many small images and after a large one.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadNativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { decodeFile, sampleImage, texture } from './images.ts';

const [engine] = z.tuple([z.enum(SIFT_ENGINES)]).parse(process.argv.slice(2));
const addon = loadNativeAddon(engine);
const jpeg = fileURLToPath(new URL('../images/jpeg-cmyk-adobe.jpg', import.meta.url));

function residentBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const pages = readFileSync('/proc/self/statm', 'utf8').split(' ')[1];
  return Number(pages) * 4096;
}

async function extractMany(times: number): Promise<void> {
  const small = texture(180, 140);
  for (let call = 0; call < times; call += 1) {
    addon.extract(small, DEFAULT_SIFT_PARAMETERS);
    addon.extract(await sampleImage(), { ...DEFAULT_SIFT_PARAMETERS, contrast_threshold: 0 });
    addon.toGrey(await decodeFile(jpeg));
  }
}

// Until the allocators of all threads have their share.
await extractMany(400);
const warm = residentBytes();
await extractMany(400);
const afterMany = residentBytes();
{
  const large = new Uint8Array(2000 * 1500).fill(90);
  for (let at = 0; at < large.length; at += 97) large[at] = 200;
  addon.extract(
    { pixels: large, width: 2000, height: 1500, channels: 1 },
    { ...DEFAULT_SIFT_PARAMETERS, nfeatures: 500 },
  );
}
const afterLarge = residentBytes();
process.stdout.write(JSON.stringify({ warm, afterMany, afterLarge }));
