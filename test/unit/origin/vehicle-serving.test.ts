import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describe as describeResult } from '../../../origin/jobs/classify.ts';
import type { Classification } from '../../../origin/vehicles/classifier.ts';
import { findServedModel } from '../../../origin/vehicles/serving.ts';

const figures = {
  shorterSide: 100,
  longerSide: 200,
  brightness: 120,
  contrast: 50,
  sharpness: 0.3,
  otherVehicle: 0,
  cut: 0,
};
const result = (changes: Partial<Classification>): Classification => ({
  box: { x: 0, y: 0, width: 200, height: 100 },
  boxSource: 'whole',
  vehicle: { probability: 0.9, isVehicle: true },
  attributes: {
    make: {
      top: [
        { label: 'Audi', probability: 0.85 },
        { label: 'BMW', probability: 0.1 },
      ],
      entropy: 0.3,
    },
  },
  figures,
  timing: { searchMs: 0, encodeMs: 0, scoreMs: 0 },
  ...changes,
});

test('a folder without a registry is no reason to fail, and its name is not sent to clients', async () => {
  const state = await findServedModel('/nowhere/at/all');
  expect(state).toMatchObject({ status: 'unavailable' });
  expect(state.status === 'unavailable' && state.reason).not.toContain('/nowhere');
});

test('a registry whose model is missing is no reason to fail', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgesift-models-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const model = {
    version: '1',
    file: '1/model.safetensors',
    sha256: '0'.repeat(64),
    bytes: 1,
    card: '1/CARD.md',
  };
  const registry = { models: [model], aliases: { champion: '1' }, history: [] };
  writeFileSync(path.join(folder, 'registry.json'), JSON.stringify(registry));
  expect(await findServedModel(folder)).toMatchObject({ status: 'unavailable' });
});

test('a vehicle has its most probable labels', () => {
  const { predictions, overall_confidence, warnings } = describeResult(result({}));
  expect(predictions.make).toMatchObject({
    predicted_value: 'Audi',
    confidence: 0.85,
    raw_probabilities: { Audi: 0.85, BMW: 0.1 },
    confidence_metrics: { rank_2_accuracy: 0.1, uncertainty: 0.3, is_confident: true },
  });
  expect(predictions).not.toHaveProperty('condition');
  expect(overall_confidence).toBe(0.85);
  expect(warnings).toEqual([]);
});

test('of what is no vehicle nothing is guessed', () => {
  const described = describeResult(result({ vehicle: { probability: 0.1, isVehicle: false } }));
  expect(described.predictions.make).toMatchObject({ predicted_value: 'unknown', confidence: 0 });
  expect(described).not.toHaveProperty('class');
  expect(described.warnings.map(({ code }) => code)).toEqual(['no_vehicle']);
});

test.each([
  ['too_small', { longerSide: 60 }],
  ['too_dark', { brightness: 10 }],
  ['too_bright', { brightness: 250 }],
  ['low_contrast', { contrast: 3 }],
  ['blurred', { sharpness: 0.01 }],
  ['several_vehicles', { otherVehicle: 0.8 }],
  ['cropped', { cut: 0.2 }],
])('warns: %s', (code, changed) => {
  const { warnings } = describeResult(result({ figures: { ...figures, ...changed } }));
  expect(warnings.map((warning) => warning.code)).toEqual([code]);
});
