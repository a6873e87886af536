import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { decodePayload, describeFeatures } from '../../shared/features/payload.ts';
import { rootSift } from '../../shared/features/root-sift.ts';
import { ownImage } from '../fixtures/images.ts';
import { flatFeatures } from './flat-features.ts';
import { payloadOf } from './golden-payload.ts';
import { runTool, toolMissing, withFolder } from './real-tool.ts';
import { writeFeatureFile } from './write-file.ts';

const PYTHON = '/usr/bin/python3';

/** Says of each array what NumPy makes of it. */
const READ = `
import hashlib, json, sys
import numpy
with numpy.load(sys.argv[1], allow_pickle=False) as archive:
    metadata = json.loads(archive["metadata"].item())
    arrays = {
        name: [archive[name].dtype.str, list(archive[name].shape), hashlib.sha256(archive[name].tobytes()).hexdigest()]
        for name in archive.files if name != "metadata"
    }
print(json.dumps({"metadata": metadata, "arrays": arrays}))
`;

const readingSchema = z.object({
  metadata: z.record(z.string(), z.unknown()),
  arrays: z.record(z.string(), z.tuple([z.string(), z.array(z.int()), z.string()])),
});

function readByNumPy(npz: Uint8Array) {
  return withFolder((folder) => {
    const path = join(folder, 'features.npz');
    writeFileSync(path, npz);
    return readingSchema.parse(JSON.parse(runTool(PYTHON, ['-', path], READ)));
  });
}

function sha256(array: ArrayBufferView): string {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

describe.skipIf(toolMissing('NumPy reads .npz', PYTHON, '-c', 'import numpy'))('NumPy reads .npz', () => {
  const payload = payloadOf('png-rgb.png', ownImage('png-rgb.png'));
  const { metadata, features } = decodePayload(payload);

  test('every array is that of the payload, bit for bit', () => {
    const reading = readByNumPy(writeFeatureFile('npz', payload));
    const { count, xy, size, angle, response, octave, descriptors } = features;
    expect(count).toBe(37);
    expect(reading.metadata).toEqual({ ...describeFeatures(metadata), descriptors: 'SIFT' });
    expect(reading.arrays).toEqual({
      xy: ['<f4', [37, 2], sha256(xy)],
      size: ['<f4', [37], sha256(size)],
      angle: ['<f4', [37], sha256(angle)],
      response: ['<f4', [37], sha256(response)],
      octave: ['<i4', [37], sha256(octave)],
      descriptors: ['|u1', [37, 128], sha256(descriptors)],
    });
  });

  test('RootSIFT descriptors are floats', () => {
    const reading = readByNumPy(writeFeatureFile('npz', payload, { rootSift: true }));
    expect(reading.metadata.descriptors).toBe('RootSIFT');
    expect(reading.arrays.descriptors).toEqual(['<f4', [37, 128], sha256(rootSift(features.descriptors))]);
  });

  test('an image without features has empty arrays of the same shapes', () => {
    const { arrays } = readByNumPy(writeFeatureFile('npz', flatFeatures()));
    expect(arrays.xy?.slice(0, 2)).toEqual(['<f4', [0, 2]]);
    expect(arrays.descriptors?.slice(0, 2)).toEqual(['|u1', [0, 128]]);
  });
});
