import type { Representation } from '../contract/parameters.ts';
import { colmapText } from './colmap.ts';
import { loweKeyText } from './lowe-key.ts';
import { npzFile } from './npz.ts';
import { decodePayload, rootSiftPayload } from './payload.ts';
import { SAFETENSORS_CONTENT_TYPE } from './safetensors.ts';

export type FileFormat = Exclude<NonNullable<Representation['format']>, 'json'>;

/** A format that features are sent in as a file. */
export interface FeatureFile {
  /** The first one is the `Content-Type`; `Accept` may name any. The types of the text formats are our own. */
  mediaTypes: readonly [string, ...string[]];
  /** Of file names. */
  extension: string;
  /** Whether the format can hold RootSIFT descriptors. */
  hasRootSift: boolean;
  /** @returns the file, whole or in chunks of bounded size; equal arguments give equal bytes */
  write(
    payload: Uint8Array<ArrayBuffer>,
    options: { rootSift: boolean },
  ): Uint8Array<ArrayBuffer> | Generator<Uint8Array>;
}

export const FEATURE_FILES: Record<FileFormat, FeatureFile> = {
  safetensors: {
    mediaTypes: [SAFETENSORS_CONTENT_TYPE, 'application/x-safetensors'],
    extension: 'safetensors',
    hasRootSift: true,
    write: (payload, { rootSift }) => (rootSift ? rootSiftPayload(decodePayload(payload)) : payload),
  },
  npz: {
    mediaTypes: ['application/x-npz'],
    extension: 'npz',
    hasRootSift: true,
    write: (payload, options) => npzFile(decodePayload(payload), options),
  },
  colmap: {
    mediaTypes: ['text/x-colmap-features'],
    extension: 'txt',
    hasRootSift: true,
    write: (payload, options) => encodeText(colmapText(decodePayload(payload).features, options)),
  },
  key: {
    mediaTypes: ['text/x-lowe-key'],
    extension: 'key',
    // Its descriptors are integers, and no convention says which ones RootSIFT would be.
    hasRootSift: false,
    write: (payload) => encodeText(loweKeyText(decodePayload(payload).features)),
  },
};

export function* encodeText(pieces: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const piece of pieces) yield encoder.encode(piece);
}
