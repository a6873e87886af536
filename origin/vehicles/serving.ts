import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { VehicleModel } from '../../shared/contract/vehicles.ts';
import { loadClassifier, ModelError, type VehicleClassifier } from './classifier.ts';
import { type Alias, readRegistry, registered } from './registry.ts';

/** The model that threads load, and its description. */
export interface ServedModel {
  file: string;
  model: VehicleModel;
  /** Shares of the training images by attribute and label: what drift is measured against. */
  trainingDistribution: Record<string, Record<string, number>>;
}

/** Whether vehicles are classified; `reason` is for operators and clients: it names no folder. */
export type ServingState =
  | { status: 'ready'; served: ServedModel }
  | { status: 'unavailable'; reason: string; cause: unknown };

/**
 * Loads the registry's champion, or another model by its alias, once to see that it can be served. Never throws: without
 * a model there are still features.
 */
export async function findServedModel(folder: string, alias: Alias = 'champion'): Promise<ServingState> {
  try {
    const entry = registered(await readRegistry(folder), alias);
    const file = path.join(folder, entry.file);
    const classifier = await loadClassifier(file);
    if (classifier.sha256 !== entry.sha256)
      throw new ModelError(`${file} is not the file that was registered`);
    const card = await readFile(path.join(folder, entry.card), 'utf8').catch(() => '');
    const trainingDistribution = distributionOf(classifier);
    return {
      status: 'ready',
      served: { file, model: modelOf(classifier, card, alias), trainingDistribution },
    };
  } catch (cause) {
    const reason =
      cause instanceof ModelError
        ? 'The vehicle model is missing or was refused; the log of the origin says why.'
        : 'The vehicle model could not be loaded; the log of the origin says why.';
    return { status: 'unavailable', reason, cause };
  }
}

function distributionOf({ metadata }: VehicleClassifier): ServedModel['trainingDistribution'] {
  const attributes = Object.entries(metadata.attributes);
  return Object.fromEntries(
    attributes.map(([attribute, { labels, training_distribution: shares }]) => [
      attribute,
      Object.fromEntries(labels.map((label, index) => [label, shares[index] ?? 0])),
    ]),
  );
}

function modelOf(
  { name, version, sha256, bytes, metadata }: VehicleClassifier,
  card: string,
  alias: Alias,
): VehicleModel {
  const attributes = Object.entries(metadata.attributes);
  return {
    name,
    version,
    alias,
    sha256,
    bytes,
    labels: Object.fromEntries(attributes.map(([attribute, { labels }]) => [attribute, labels])),
    trained_on: metadata.trained_on,
    samples: metadata.samples,
    split: metadata.split,
    metrics: Object.fromEntries(attributes.map(([attribute, { metrics }]) => [attribute, metrics])),
    trained_at: metadata.trained_at,
    card,
  };
}
