import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { checkPixelCount, readImageHeader } from '../../shared/image-header.ts';

export interface HostileReport {
  files: number;
  outcomes: Record<string, number>;
  /** Files whose error is not of the contract. */
  unexpected: string[];
  /** Files that kept the decoder busy for longer than an image of the allowed size may take. */
  slow: string[];
}

const LIMITS = { maxBytes: Number.MAX_SAFE_INTEGER, maxPixels: 50_000_000 };
/** Extraction of larger ones is a matter of time, not of robustness. */
const MAX_EXTRACTED_PIXELS = 300_000;
const SLOW_MS = 20_000;

const addon = loadNativeAddon();

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  try {
    const header = readImageHeader(bytes);
    checkPixelCount(header, LIMITS);
    const image = await decodeImage(addon, bytes, { header, orientation: 'apply', colours: false });
    if (image.width * image.height !== header.width * header.height)
      throw new Error('another size than admitted');
    if (image.width * image.height <= MAX_EXTRACTED_PIXELS) {
      addon.extract(image, { ...DEFAULT_SIFT_PARAMETERS, nfeatures: 50 });
    }
    return 'features';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

/** @param every 1 for all files of the folder, 5 for every fifth */
async function run({ folder, every }: { folder: string; every: number }): Promise<HostileReport> {
  const report: HostileReport = { files: 0, outcomes: {}, unexpected: [], slow: [] };
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (const [index, entry] of files.entries()) {
    if (index % every !== 0) continue;
    const path = join(entry.parentPath, entry.name);
    report.files += 1;
    const start = performance.now();
    try {
      const outcome = await outcomeOf(readFileSync(path));
      report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      report.unexpected.push(`${path}: ${error}`);
    }
    if (performance.now() - start > SLOW_MS) report.slow.push(path);
  }
  return report;
}

parentPort?.postMessage(await run(workerData));
