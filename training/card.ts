import type { ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import type { Learned } from './learn.ts';
import { calibratedBy, figuresOf } from './predictions.ts';

interface CardFacts {
  sha256: string;
  bytes: number;
  /** Images that were kept back. */
  heldBack: number;
}

/** The model card: Markdown, to lie beside the model. `npm run evaluate` appends what it measures. */
export function modelCard(metadata: ModelMetadata, learned: Learned, facts: CardFacts): string {
  return [
    `# ${metadata.name}, version ${metadata.version}`,
    `Recognises vehicles in photographs: ${Object.keys(metadata.attributes).join(', ')}${metadata.condition ? ', condition' : ''}.`,
    table(
      ['', ''],
      [
        ['SHA-256', `\`${facts.sha256}\``],
        ['size', `${(facts.bytes / 1e6).toFixed(2)} MB`],
        [
          'trained',
          `${metadata.trained_at}, ${Math.round(metadata.training_seconds / 60)} minutes, seed ${metadata.seed}`,
        ],
      ],
    ),
    '## Data',
    `${metadata.trained_on}. ${metadata.split}.`,
    SHIPPED_DATA,
    '## Figures',
    `Leave-one-out: each image is scored by a regression that saw neither it nor its copies and duplicates; the correction of the logits is fitted without the image's fifth of the data. The vocabulary was made from half of the images, without labels. ECE: expected calibration error, 15 bins, each half calibrated by the other.`,
    table(
      ['attribute', 'labels', 'images', 'top-1 %', 'top-5 %', 'ECE %'],
      Object.entries(metadata.attributes).map(([name, { labels, metrics }]) => [
        name,
        String(labels.length),
        String(metrics.samples),
        percent(metrics.top1),
        percent(metrics.top5),
        percent(metrics.ece),
      ]),
    ),
    ...vehicleLines(metadata),
    ...(metadata.condition
      ? [`Condition: root mean square error ${metadata.condition.error.toFixed(3)} on a scale of 0 to 1.`]
      : []),
    ...jitteredLines(metadata, learned),
    '## Limits',
    LIMITS,
    '## How to train your own',
    '`npm run train -- --data FOLDER --negatives FOLDER`; docs/vehicle-models.md explains the folder.',
    '',
  ].join('\n\n');
}

const SHIPPED_DATA = `A model holds weights and statistics, no image. The one that ships with edgesift was trained on crops of Stanford
Cars (J. Krause et al., 2013; 196 classes, mostly of the North American market up to 2012) and on a public set of vehicle
colours. The terms of these sets allow research only; whether a model may be used commercially is for its user to find
out. Images without vehicles: the training part of BSDS500 and a few test images of computer vision.`;

const LIMITS = `- Knows only the classes that it was trained on: a newer or rarer vehicle gets the nearest of them. Decade and country follow
  from the class and are no evidence about vehicles of other classes; the country is that of the brand's origin.
- The images are crops of the vehicle. In a whole photograph the vehicle is searched for; small, cut or hidden vehicles
  and several at once are where this fails. A box given by the caller is more reliable.
- Colours overlap (silver, white and black; pink and red), and the labels of some images are doubtful.
- Some classes differ in details that an image of 256 pixels does not show.
- Must not be used to identify people or their vehicles, for decisions about a person, or where an error does harm.`;

function vehicleLines({ vehicle }: ModelMetadata): string[] {
  if (!vehicle) return [];
  const { recall, specificity, negatives } = vehicle.metrics;
  return [
    `Vehicle or not: ${percent(recall)} % of the vehicles and ${percent(specificity)} % of ${negatives} parts of images without one are called so. These are few, and from few sources.`,
  ];
}

function jitteredLines(metadata: ModelMetadata, learned: Learned): string[] {
  const rows = Object.entries(learned.jittered).flatMap(([name, predictions]) => {
    const model = metadata.attributes[name];
    if (!model) return [];
    const figures = figuresOf(calibratedBy(model, predictions));
    return [[name, percent(figures.top1), percent(figures.top5), percent(figures.ece)]];
  });
  if (rows.length === 0) return [];
  return [
    'The same for disturbed copies: up to 33 % of space on each side or 6 % cut off, a third blurred (σ up to 1.4 pixels), a third smaller; without a search for the vehicle:',
    table(['attribute', 'top-1 %', 'top-5 %', 'ECE %'], rows),
  ];
}

export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
