import type { Denoising, SiftParameters } from '../contract/parameters.ts';
import { type Extractor, extractorId } from '../extractor.ts';
import type { FeatureMetadata } from '../features/payload.ts';
import { isRecord, parseJson } from '../features/safetensors.ts';
import { FEATURE_IMAGE_FORMATS } from '../image-header.ts';
import type { FeatureSummary } from './feature-summary.ts';

export const MAX_PAYLOAD_PARTS = 4;

/** What a summary record says. */
export interface StoredSummary {
  summary: FeatureSummary;
  /** Null where the payload is too large to be stored. */
  payload: { sha256: string; parts: number } | null;
}

/** A summary as JSON: what a record holds behind its tag, and what the origin responds with. */
export function encodeSummary({ summary, payload }: StoredSummary): string {
  return JSON.stringify({
    metadata: { ...summary.metadata, extractor: extractorId(summary.metadata.extractor) },
    keypoints: summary.count,
    expires_at: summary.expiresAt,
    payload,
  });
}

/**
 * Reads what {@link encodeSummary} wrote; undefined for anything else. By hand: every miss and every hit in Redis reads
 * one, and the schema library takes several times as long. It checks types, not ranges: callers compare the key, which
 * holds extractor, parameters and image.
 */
export function decodeSummary(json: string): StoredSummary | undefined {
  const record = parseJson(json);
  if (!isRecord(record)) return undefined;
  const { keypoints: count, expires_at: expiresAt } = record;
  const metadata = metadataFrom(record.metadata);
  const payload = placeFrom(record.payload);
  if (!metadata || payload === undefined || !isCount(count) || !isCount(expiresAt)) return undefined;
  return { summary: { metadata, count, expiresAt }, payload };
}

function metadataFrom(value: unknown): FeatureMetadata | undefined {
  if (!isRecord(value)) return undefined;
  const extractor = extractorFrom(value.extractor);
  const parameters = parametersFrom(value.parameters);
  const image = imageFrom(value.image);
  return extractor && parameters && image && { extractor, parameters, image };
}

function extractorFrom(value: unknown): Extractor | undefined {
  if (typeof value !== 'string') return undefined;
  const [name, version, ...others] = value.split('@');
  return name && version && others.length === 0 ? { name, version } : undefined;
}

function parametersFrom(value: unknown): SiftParameters | undefined {
  if (!isRecord(value)) return undefined;
  const { nfeatures, n_octave_layers, contrast_threshold, edge_threshold, sigma, orientation } = value;
  if (!isNumber(nfeatures) || !isNumber(n_octave_layers) || !isNumber(sigma)) return undefined;
  if (!isNumber(contrast_threshold) || !isNumber(edge_threshold)) return undefined;
  if (orientation !== undefined && orientation !== 'ignore') return undefined;
  const denoising = denoisingFrom(value.denoising);
  if (value.denoising !== undefined && !denoising) return undefined;
  return {
    ...{ nfeatures, n_octave_layers, contrast_threshold, edge_threshold, sigma },
    ...(denoising && { denoising }),
    ...(orientation && { orientation }),
  };
}

function denoisingFrom(value: unknown): Denoising | undefined {
  if (!isRecord(value)) return undefined;
  const { h, h_color, template_window_size, search_window_size } = value;
  if (!isNumber(h) || !isNumber(h_color)) return undefined;
  if (!isNumber(template_window_size) || !isNumber(search_window_size)) return undefined;
  return { h, h_color, template_window_size, search_window_size };
}

function imageFrom(value: unknown): FeatureMetadata['image'] | undefined {
  if (!isRecord(value)) return undefined;
  const { sha256, width, height, bytes } = value;
  const format = FEATURE_IMAGE_FORMATS.find((name) => name === value.format);
  if (typeof sha256 !== 'string' || !format) return undefined;
  if (!isCount(width) || !isCount(height) || !isCount(bytes)) return undefined;
  return { sha256, format, width, height, bytes };
}

/** @returns undefined for what is neither a payload's place nor null */
function placeFrom(value: unknown): StoredSummary['payload'] | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { sha256, parts } = value;
  if (typeof sha256 !== 'string' || !isCount(parts)) return undefined;
  return parts >= 1 && parts <= MAX_PAYLOAD_PARTS ? { sha256, parts } : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
