import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import {
  type ObservedClassification,
  VehicleMetrics,
} from '../../../origin/observability/vehicle-metrics.ts';
import { Drift, stabilityIndex } from '../../../origin/vehicles/drift.ts';

const prediction = (
  value: string,
  confidence: number,
): NonNullable<ObservedClassification['predictions']['make']> => ({
  attribute_name: 'make',
  predicted_value: value,
  confidence,
  raw_probabilities: {},
  confidence_metrics: {
    confidence,
    rank_1_accuracy: confidence,
    rank_2_accuracy: 0,
    uncertainty: 0,
    is_confident: true,
  },
});
const vehicle = (make: string): ObservedClassification => ({
  predictions: { make: prediction(make, 0.85) },
  class: { predicted_value: `${make} 1`, confidence: 0.5, raw_probabilities: {} },
  is_vehicle: true,
  vehicle_probability: 0.9,
  warnings: [{ code: 'blurred', message: 'The image is blurred.' }],
});
const nothing: ObservedClassification = {
  predictions: { make: prediction('unknown', 0) },
  is_vehicle: false,
  vehicle_probability: 0.1,
  warnings: [],
};

test('equal shares have no drift, however few samples and many labels there are', () => {
  expect(stabilityIndex([50, 30, 20], [0.5, 0.3, 0.2])).toBe(0);
  expect(stabilityIndex([10, 0, 0, 0], [0.25, 0.25, 0.25, 0.25])).toBeGreaterThan(0.25);
});

test('a moderate change lies between the usual bounds, and a label that is missing stays finite', () => {
  const moderate = stabilityIndex([600, 400], [0.5, 0.5]);
  expect(moderate).toBeCloseTo(0.1 * Math.log(1.5) - 0.001, 3);
  expect(stabilityIndex([1000, 0], [0.5, 0.5])).toBeLessThan(10);
});

test('drift has a value after 200 predictions and follows the latest ones', () => {
  const drift = new Drift({ Audi: 0.5, BMW: 0.5 });
  for (let count = 0; count < 199; count++) drift.add('Audi');
  drift.add('a label that the model has not');
  expect(drift.index).toBeUndefined();
  drift.add('Audi');
  expect(drift.index).toBeGreaterThan(0.25);
  for (let count = 0; count < 2000; count++) drift.add(count % 2 ? 'Audi' : 'BMW');
  expect(drift.index).toBe(0);
});

test('labels, confidence, warnings, unknown images and drift are in the metrics', async () => {
  const registry = new Registry();
  const metrics = new VehicleMetrics(registry);
  metrics.expect({ make: { Audi: 0.5, BMW: 0.5 } });
  for (let count = 0; count < 200; count++) metrics.classified(vehicle('Audi'));
  metrics.classified(nothing);
  const text = await registry.metrics();
  for (const line of [
    'edgesift_vehicle_classifications_total{outcome="vehicle"} 200',
    'edgesift_vehicle_classifications_total{outcome="unknown"} 1',
    'edgesift_vehicle_predictions_total{attribute="make",label="Audi"} 200',
    'edgesift_vehicle_predictions_total{attribute="class",label="Audi 1"} 200',
    'edgesift_vehicle_confidence_bucket{le="0.8",attribute="make"} 0',
    'edgesift_vehicle_confidence_bucket{le="0.9",attribute="make"} 200',
    'edgesift_vehicle_warnings_total{code="blurred"} 200',
  ]) {
    expect(text).toContain(line);
  }
  expect(text).toMatch(/edgesift_vehicle_drift\{attribute="make"\} \d/);
  expect(text).not.toContain('label="unknown"');
});

test('agreement of two models is counted by attribute', async () => {
  const registry = new Registry();
  const metrics = new VehicleMetrics(registry);
  metrics.compared(vehicle('Audi'), vehicle('Audi'));
  metrics.compared(vehicle('Audi'), vehicle('BMW'));
  metrics.compared(vehicle('Audi'), nothing);
  const text = await registry.metrics();
  for (const line of ['make",agrees="true"} 1', 'make",agrees="false"} 1', 'is_vehicle",agrees="true"} 2']) {
    expect(text).toContain(`agreement_total{attribute="${line}`);
  }
});
