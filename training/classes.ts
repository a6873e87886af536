import type { Sample } from './dataset.ts';
import type { Attribute } from './manifest.ts';

/** Attributes that belong to a class of vehicles, if every class has one. */
const OF_CLASS = ['make', 'model', 'type', 'decade', 'country'] as const;

export interface DerivedAttribute {
  labels: string[];
  /** Index into `labels` of each class. */
  ofClass: number[];
}

export interface Classes {
  labels: string[];
  /** Index of an image's class. */
  of(sample: Sample): number | undefined;
  derived: Map<Attribute, DerivedAttribute>;
}

/** The exact classes: as the manifest names them, or where it does not, every combination of make and model. */
export function classesOf(samples: readonly Sample[]): Classes {
  const labels = sortedSet(samples.map(classOf));
  const index = new Map(labels.map((label, at) => [label, at]));
  const of = (sample: Sample) => index.get(classOf(sample) ?? '');
  const derived = new Map<Attribute, DerivedAttribute>();
  for (const attribute of OF_CLASS) {
    const labelsOfClass = labels.map((label) => commonest(samples, label, attribute, modelNames(samples)));
    if (labels.length === 0 || labelsOfClass.some((label) => label === undefined)) continue;
    const distinct = sortedSet(labelsOfClass);
    derived.set(attribute, {
      labels: distinct,
      ofClass: labelsOfClass.map((label) => distinct.indexOf(label ?? '')),
    });
  }
  return { labels, of, derived };
}

/** Label of a sample for an attribute, as the model knows it. */
export function labelOf(sample: Sample, attribute: Attribute, names: ModelNames): string | undefined {
  const { make, model } = sample.labels;
  if (attribute !== 'model' || make === undefined || model === undefined) return sample.labels[attribute];
  return (names.get(model)?.size ?? 0) > 1 ? `${make} ${model}` : model;
}

/** Makes that have a model of that name: where several do, the name alone says too little. */
export type ModelNames = Map<string, Set<string>>;

export function modelNames(samples: readonly Sample[]): ModelNames {
  const names: ModelNames = new Map();
  for (const { labels } of samples) {
    if (labels.model === undefined || labels.make === undefined) continue;
    const makes = names.get(labels.model) ?? new Set();
    names.set(labels.model, makes.add(labels.make));
  }
  return names;
}

export function sortedSet(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))].sort();
}

function classOf({ labels }: Sample): string | undefined {
  if (labels.class !== undefined) return labels.class;
  if (labels.make === undefined || labels.model === undefined) return undefined;
  return `${labels.make} ${labels.model}`;
}

function commonest(
  samples: readonly Sample[],
  className: string,
  attribute: Attribute,
  names: ModelNames,
): string | undefined {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const label = classOf(sample) === className ? labelOf(sample, attribute, names) : undefined;
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0];
}
