import { inParallel } from './concurrency.ts';
import { EdgesiftError } from './errors.ts';
import type { UploadOptions } from './hash-first.ts';

export interface BatchOptions extends UploadOptions {
  /** Most images that are worked on at the same time; 4 by default. */
  concurrency?: number | undefined;
}

/** The result for one image of a batch. One that failed has its error here and stops no other. */
export type BatchItem<Image, Result> = {
  /** Place of the image in the sequence that was given, from 0. */
  index: number;
  image: Image;
} & ({ result: Result; error?: never } | { result?: never; error: EdgesiftError });

const DEFAULT_CONCURRENCY = 4;

/** Yields the result for each image as soon as it is there. Only a caller's own signal, or a mistake, ends it early. */
export async function* batchOf<Image, Result>(
  images: Iterable<Image> | AsyncIterable<Image>,
  { concurrency = DEFAULT_CONCURRENCY, ...upload }: BatchOptions,
  work: (image: Image, options: UploadOptions) => Promise<Result>,
): AsyncGenerator<BatchItem<Image, Result>> {
  // What is still running when the reader leaves has no one to give its result to.
  const left = new AbortController();
  const signal = upload.signal ? AbortSignal.any([upload.signal, left.signal]) : left.signal;
  try {
    yield* inParallel(images, concurrency, async (image, index): Promise<BatchItem<Image, Result>> => {
      try {
        return { index, image, result: await work(image, { ...upload, signal }) };
      } catch (error) {
        if (!(error instanceof EdgesiftError)) throw error;
        return { index, image, error };
      }
    });
  } finally {
    left.abort();
  }
}
