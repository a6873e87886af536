import path from 'node:path';
import * as z from 'zod';
import { MODEL_FORMAT, type ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import { modelCard } from './card.ts';
import { type Learned, learn } from './learn.ts';
import type { RunLog } from './log.ts';
import type { TrainingOptions } from './options.ts';
import { calibratedBy } from './predictions.ts';
import { type Prepared, prepare } from './prepare.ts';
import { writeFigures } from './report.ts';
import { CARD_FILE, MODEL_FILE, modelFile, writeWhole } from './write-model.ts';

/** `npm run train -- --data FOLDER`: trains a model and writes it, with its card, to `--out`. */
export async function train(
  options: TrainingOptions,
  log: RunLog,
): Promise<{ file: string; sha256: string }> {
  const started = performance.now();
  log.note('training', { ...options });
  const prepared = await prepare(options, log);
  const learned = await learn(prepared, options, log);
  if (Object.keys(learned.heads).length === 0 && !learned.colours) {
    throw new Error('there is nothing to learn: every attribute has one label only');
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const metadata = metadataOf(prepared, learned, options, timesOf(seconds));
  const { bytes, sha256 } = modelFile(prepared, learned, metadata);
  const file = path.join(options.out, MODEL_FILE);
  await writeWhole(file, bytes);
  const card = modelCard(metadata, learned, { sha256, bytes: bytes.length, heldBack: prepared.heldBack });
  await writeWhole(path.join(options.out, CARD_FILE), card);
  for (const [attribute, predictions] of Object.entries(learned.predictions)) {
    const model = learned.attributes[attribute];
    if (!model) continue;
    log.note(attribute, { ...model.metrics });
    await writeFigures(path.join(options.out, 'figures'), attribute, calibratedBy(model, predictions));
  }
  log.note('written', { file, bytes: bytes.length, sha256, seconds });
  return { file, sha256 };
}

function metadataOf(
  prepared: Prepared,
  learned: Learned,
  options: TrainingOptions,
  times: Pick<ModelMetadata, 'trained_at' | 'training_seconds'>,
): ModelMetadata {
  const { vocabulary, samples, negatives } = prepared;
  return {
    format: MODEL_FORMAT,
    name: options.name,
    version: options.version,
    attributes: learned.attributes,
    ...(learned.condition && { condition: learned.condition }),
    ...(learned.vehicle && { vehicle: learned.vehicle }),
    heads: learned.heads,
    encoder: {
      longest: vocabulary.longest,
      step: vocabulary.step,
      bin_sizes: [...vocabulary.bin_sizes],
    },
    ...(learned.search && { search: learned.search }),
    class_factors: learned.classFactors,
    trained_on: `${samples.length} images of vehicles, ${negatives.length} images without`,
    samples: samples.length,
    split: `Leave-one-out, duplicates and disturbed copies together; ${prepared.heldBack} images kept back from everything`,
    holdout: options.holdout,
    seed: options.seed,
    ...times,
    card: CARD_FILE,
  };
}

/** With `SOURCE_DATE_EPOCH`, in seconds, nothing of the run's own is written: two runs give the same bytes. */
function timesOf(seconds: number): Pick<ModelMetadata, 'trained_at' | 'training_seconds'> {
  const epoch = z.coerce.number().int().optional().parse(process.env.SOURCE_DATE_EPOCH);
  if (epoch === undefined) return { trained_at: new Date().toISOString(), training_seconds: seconds };
  return { trained_at: new Date(epoch * 1000).toISOString(), training_seconds: 0 };
}
