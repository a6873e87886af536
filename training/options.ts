import { parseArgs } from 'node:util';
import * as z from 'zod';

const count = (fallback: number, least = 1) => z.coerce.number().int().min(least).default(fallback);

const optionsSchema = z.object({
  data: z.string({ error: 'give the folder with the images: --data FOLDER' }),
  /** What the folders' names label, where there is no manifest. */
  attribute: z.string().optional(),
  /** Folders of images that show no vehicle. */
  negatives: z.array(z.string()).default([]),
  out: z.string().default('models/vehicles/candidate'),
  name: z.string().default('edgesift-vehicles'),
  version: z.string().default('1'),
  work: z.string().default('.local/training'),
  components: count(512),
  bins: z
    .string()
    .regex(/^\d+(,\d+)*$/)
    .default('3,4,6,8,11'),
  seed: count(1, 0),
  /** Share of the images that are kept back from everything, for `npm run evaluate`. */
  holdout: z.coerce.number().min(0).max(0.5).default(0),
  threads: count(2),
  lambda: z.coerce.number().positive().default(0.1),
  /** Images, from the first, that are trained on in a disturbed copy too. */
  copies: count(1_000_000, 0),
});
export type TrainingOptions = z.infer<typeof optionsSchema>;

/** @throws z.ZodError or TypeError for arguments that are none */
export function trainingOptions(parameters: readonly string[]): TrainingOptions {
  const single = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      data: single,
      attribute: single,
      negatives: { type: 'string', multiple: true },
      out: single,
      name: single,
      version: single,
      work: single,
      components: single,
      bins: single,
      seed: single,
      holdout: single,
      threads: single,
      lambda: single,
      copies: single,
    },
  });
  return optionsSchema.parse(values);
}
