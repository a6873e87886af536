import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FeatureFile } from '../../client.ts';
import type { DetectParameters } from '../../contract.ts';
import { readFeatures } from '../../features.ts';
import type { ColmapDatabase } from '../colmap/database.ts';
import { FEATURE_EXTENSIONS, keypointsIn } from './feature-text.ts';
import type { ImageOutcome } from './state-file.ts';
import { writeWhole } from './whole-file.ts';

export type Format = NonNullable<DetectParameters['format']>;

/** Where the features of a batch go. */
export interface Target {
  /** In which the features are requested. */
  format: Format;
  /** Takes the features of an image, and gives what the report says of them. */
  store(name: string, file: FeatureFile): Promise<Pick<ImageOutcome, 'output' | 'keypoints'>>;
  /** Whether what an earlier run stored is still there. */
  has(outcome: ImageOutcome): boolean;
}

/** A folder that mirrors the images' own. */
export function folderTarget(folder: string, format: Format): Target {
  return {
    format,
    async store(name, { bytes }) {
      const output = path.join(folder, ...name.split('/')) + FEATURE_EXTENSIONS[format];
      await writeWhole(output, bytes);
      const keypoints = keypointsIn(format, bytes);
      return { output, ...(keypoints !== undefined && { keypoints }) };
    },
    has: ({ output }) => output !== undefined && existsSync(output),
  };
}

export function databaseTarget(database: ColmapDatabase): Target {
  return {
    format: 'safetensors',
    async store(name, { bytes }) {
      const features = readFeatures(bytes);
      database.putImage(name, features);
      return { keypoints: features.count };
    },
    has: ({ name }) => database.hasImage(name),
  };
}
