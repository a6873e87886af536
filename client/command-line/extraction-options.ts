import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DetectParameters } from '../contract.ts';

/** Parameters of the extraction, and how they are called on the command line. */
const NUMBERS = {
  nfeatures: 'number of strongest keypoints to keep; 0 keeps all (default: 0)',
  n_octave_layers: 'layers per octave that are searched (default: 3)',
  contrast_threshold: 'minimum contrast of a keypoint (default: 0.04)',
  edge_threshold: 'maximum ratio of principal curvatures; larger keeps more edges (default: 10)',
  sigma: 'blur of the first layer, in pixels (default: 1.6)',
  denoise_h: 'with --denoise: strength for luminance (default: 3)',
  denoise_h_color: 'with --denoise: strength for colours (default: 3)',
  denoise_template_window_size: 'with --denoise: side of the compared patches, in pixels; odd (default: 7)',
  denoise_search_window_size: 'with --denoise: side of the search window, in pixels; odd (default: 21)',
} as const satisfies Partial<Record<keyof DetectParameters, string>>;

type Orientation = NonNullable<DetectParameters['orientation']>;

export type ExtractionOptions = { orientation?: Orientation; denoise?: boolean; rootSift?: boolean } & Record<
  string,
  unknown
>;

/** The service checks the range. @throws InvalidArgumentError */
function readParameter(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function withExtraction(command: Command): Command {
  for (const [name, description] of Object.entries(NUMBERS)) {
    command.addOption(
      new Option(`--${name.replaceAll('_', '-')} <number>`, description).argParser(readParameter),
    );
  }
  return command
    .addOption(
      new Option(
        '--orientation <how>',
        'EXIF orientation: apply gives coordinates of the upright image, ignore of the stored pixels, as COLMAP reads them (default: apply)',
      ).choices(['apply', 'ignore']),
    )
    .option('--denoise', 'denoise the image first; takes seconds per megapixel');
}

export function withRootSift(command: Command): Command {
  return command.option('--root-sift', 'return RootSIFT descriptors');
}

/** The parameters that were given; the others keep the service's defaults. */
export function extractionFrom(options: ExtractionOptions): DetectParameters {
  const numbers = Object.keys(NUMBERS).flatMap((name) => {
    const value = options[camelCase(name)];
    return typeof value === 'number' ? [[name, value]] : [];
  });
  return {
    ...Object.fromEntries(numbers),
    ...(options.orientation && { orientation: options.orientation }),
    ...(options.denoise && { denoise: true }),
    ...(options.rootSift && { root_sift: true }),
  };
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
