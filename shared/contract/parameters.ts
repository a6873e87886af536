import * as z from 'zod';
import { ServiceError } from './errors.ts';

function integer(least: number, greatest: number) {
  const error = `must be a whole number from ${least} to ${greatest}`;
  return z.int({ error }).min(least, { error }).max(greatest, { error });
}

function oddInteger(least: number, greatest: number) {
  const error = `must be an odd whole number from ${least} to ${greatest}`;
  return z
    .int({ error })
    .min(least, { error })
    .max(greatest, { error })
    .refine((size) => size % 2 === 1, { error });
}

function real(least: number, greatest: number) {
  const error = `must be a number from ${least} to ${greatest}`;
  return z.number({ error }).min(least, { error }).max(greatest, { error });
}

function choice<const Choices extends readonly [string, ...string[]]>(choices: Choices) {
  return z.enum(choices, { error: `must be one of: ${choices.join(', ')}` });
}

/** Non-local means before SIFT, named and defaulted as OpenCV's `cv::fastNlMeansDenoisingColored`. */
const denoisingSchema = z.strictObject({
  h: real(0.1, 100).default(3).describe('Strength for luminance; larger removes more noise and more detail'),
  h_color: real(0.1, 100).default(3).describe('Strength for colours'),
  template_window_size: oddInteger(1, 21)
    .default(7)
    .describe('Side of the patches that are compared, in pixels; odd'),
  search_window_size: oddInteger(3, 35)
    .default(21)
    .describe('Side of the search window, in pixels; odd. Time grows with its square'),
});
export type Denoising = z.infer<typeof denoisingSchema>;

/** Parameters of SIFT alone. */
const siftShape = {
  nfeatures: integer(0, 1_000_000)
    .default(0)
    .describe('Number of strongest keypoints to keep, by response; 0 keeps all'),
  n_octave_layers: integer(1, 8).default(3).describe('Layers searched in each octave (Lowe 2004: 3)'),
  contrast_threshold: real(0, 1)
    .default(0.04)
    .describe('Least contrast of a keypoint; OpenCV divides it by n_octave_layers'),
  edge_threshold: real(1, 1000)
    .default(10)
    .describe('Greatest ratio of principal curvatures; larger keeps more edge-like keypoints'),
  sigma: real(0.5, 10).default(1.6).describe('Gaussian blur of the first layer, in pixels'),
};

/**
 * Parameters that decide the features, named and defaulted as OpenCV's `cv::SIFT::create`. Bounds keep a job's
 * time and memory in proportion to its pixels.
 */
export const siftParametersSchema = z.strictObject({
  ...siftShape,
  denoising: denoisingSchema.optional().describe('Denoising before extraction, if requested'),
  orientation: choice(['ignore'])
    .optional()
    .describe('ignore if requested; otherwise the orientation is applied'),
});
export type SiftParameters = z.infer<typeof siftParametersSchema>;

export const DEFAULT_SIFT_PARAMETERS: SiftParameters = siftParametersSchema.parse({});

/** The same as `name=value` pairs. */
const extractionShape = {
  ...siftShape,
  orientation: choice(['apply', 'ignore'])
    .default('apply')
    .describe(
      'apply: the image is turned upright by its EXIF or TIFF orientation first, as cv2.imread does; ignore: coordinates are those of the stored rows and columns, as COLMAP reads images',
    ),
  denoise: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .describe('Denoise the colour image by non-local means first; takes seconds per megapixel'),
  denoise_h: denoisingSchema.shape.h,
  denoise_h_color: denoisingSchema.shape.h_color,
  denoise_template_window_size: denoisingSchema.shape.template_window_size,
  denoise_search_window_size: denoisingSchema.shape.search_window_size,
};
/** Parameters that decide the features, as `name=value` pairs. */
export const extractionParametersSchema = z.strictObject(extractionShape);

/** Without denoising its parameters mean nothing; the default orientation goes without saying, in keys too. */
function siftFrom(pairs: z.infer<typeof extractionParametersSchema>): SiftParameters {
  const {
    denoise,
    orientation,
    denoise_h: h,
    denoise_h_color: h_color,
    denoise_template_window_size: template_window_size,
    denoise_search_window_size: search_window_size,
    ...sift
  } = pairs;
  return {
    ...sift,
    ...(denoise && { denoising: { h, h_color, template_window_size, search_window_size } }),
    ...(orientation === 'ignore' && { orientation }),
  };
}

/** `name=value` pairs that {@link parseSiftParameters} reads as these parameters. */
export function parameterPairs({ denoising, ...others }: SiftParameters): [string, string][] {
  const pairs = Object.entries(others).map(([name, value]): [string, string] => [name, String(value)]);
  if (!denoising) return pairs;
  const { h, h_color, template_window_size, search_window_size } = denoising;
  return [
    ...pairs,
    ['denoise', 'true'],
    ['denoise_h', String(h)],
    ['denoise_h_color', String(h_color)],
    ['denoise_template_window_size', String(template_window_size)],
    ['denoise_search_window_size', String(search_window_size)],
  ];
}

export const representationSchema = z.strictObject({
  root_sift: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .describe(
      'Return RootSIFT descriptors: L1-normalised, then square-rooted (Arandjelović and Zisserman 2012)',
    ),
  include: choice(['summary', 'keypoints', 'all'])
    .default('summary')
    .describe('What the JSON response contains besides the summary'),
  format: choice(['json', 'safetensors', 'npz', 'colmap', 'key'])
    .optional()
    .describe('Format of the response; overrides the Accept header'),
});
export type Representation = z.infer<typeof representationSchema>;

export const detectParametersSchema = z.strictObject({
  ...extractionShape,
  ...representationSchema.shape,
});

/** Parameters of a batch: every image has a line of JSON of its own. */
export const batchParametersSchema = detectParametersSchema.omit({ format: true });

export interface DetectParameters {
  sift: SiftParameters;
  representation: Representation;
}

/** Parameters of the origin's matching, apart from the features that it is given. */
export const geometryParametersSchema = z.strictObject({
  model: choice(['homography', 'fundamental'])
    .default('homography')
    .describe('homography: a plane or a turning camera; fundamental: a scene in depth'),
  ratio: real(0.1, 1)
    .default(0.75)
    .describe('Greatest ratio of the nearest to the second nearest distance (Lowe 2004, section 7.1)'),
  threshold: real(0.1, 100).default(2).describe('Greatest error of an inlier, in pixels'),
  include: choice(['summary', 'all']).default('summary').describe('all adds the pairs'),
});
export type GeometryParameters = z.infer<typeof geometryParametersSchema>;

export const matchParametersSchema = z.strictObject({
  ...extractionShape,
  ...geometryParametersSchema.shape,
});

export interface MatchParameters {
  sift: SiftParameters;
  geometry: GeometryParameters;
}

/** Most requests name no parameter: they need not wait for the schema. */
const DEFAULT_DETECT_PARAMETERS = detectParametersFrom([]);

/** ECMAScript writes numbers from 1e-6 without an exponent: up to 5 zeros and 17 digits after the point. */
const NUMBER = /^[+-]?(?:\d{1,16}(?:\.\d{0,24})?|\.\d{1,24})(?:e[+-]?\d{1,3})?$/i;
const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/**
 * Text of a query or form field → the JSON value that the schemas expect, as people mean it: `True` and `1` for a
 * boolean, `.04` and `+5` for a number, nothing for the default. Unreadable text stays text.
 */
function parseValue(text: string, schema: z.ZodType): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const truth = BOOLEANS.get(trimmed.toLowerCase());
  if (truth !== undefined && schema.safeParse(truth).success) return truth;
  return NUMBER.test(trimmed) ? Number(trimmed) : trimmed;
}

/** What links and caches add to a URL, and no service means. */
const IGNORED_NAME = /^(?:utm_\w+|_)$/;

/**
 * Reads `name=value` pairs as they came in a query string or a form.
 *
 * @throws ServiceError `INVALID_PARAMETER`, naming the parameter, for an unknown name, a name given twice, or a
 *   value of the wrong type or out of range.
 */
export function parseDetectParameters(pairs: Iterable<readonly [string, string]>): DetectParameters {
  const given = [...pairs];
  return given.length === 0 ? DEFAULT_DETECT_PARAMETERS : detectParametersFrom(given);
}

function detectParametersFrom(pairs: Iterable<readonly [string, string]>): DetectParameters {
  const { root_sift, include, format, ...extraction } = parsePairs(detectParametersSchema, pairs);
  return { sift: siftFrom(extraction), representation: { root_sift, include, ...(format && { format }) } };
}

/** Parameters of a batch, which hold for all of its images. Errors as above. */
export function parseBatchParameters(pairs: Iterable<readonly [string, string]>): DetectParameters {
  const { root_sift, include, ...extraction } = parsePairs(batchParametersSchema, pairs);
  return { sift: siftFrom(extraction), representation: { root_sift, include } };
}

/** Parameters whose schema reads the text itself. Errors as above. */
export function parseTextParameters<Schema extends z.ZodObject>(
  schema: Schema,
  pairs: Iterable<readonly [string, string]>,
): z.infer<Schema> {
  return parsePairs(schema, pairs, (text) => text);
}

/** Parameters of a match, as {@link parseDetectParameters} reads them. */
export function parseMatchParameters(pairs: Iterable<readonly [string, string]>): MatchParameters {
  const { model, ratio, threshold, include, ...extraction } = parsePairs(matchParametersSchema, pairs);
  return { sift: siftFrom(extraction), geometry: { model, ratio, threshold, include } };
}

/** Those of a match without SIFT's, as the edge sends them to the origin. Errors as above. */
export function parseGeometryParameters(pairs: Iterable<readonly [string, string]>): GeometryParameters {
  return parsePairs(geometryParametersSchema, pairs);
}

/** The parameters of an extraction alone, as the edge sends them to the origin. Errors as above. */
export function parseSiftParameters(pairs: Iterable<readonly [string, string]>): SiftParameters {
  return siftFrom(parsePairs(extractionParametersSchema, pairs));
}

function parsePairs<Schema extends z.ZodObject>(
  schema: Schema,
  pairs: Iterable<readonly [string, string]>,
  read: (text: string, schema: z.ZodType) => unknown = parseValue,
): z.infer<Schema> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of pairs) {
    const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    if (!field) {
      if (IGNORED_NAME.test(name)) continue;
      throw unknownParameter(name, Object.keys(schema.shape));
    }
    if (Object.hasOwn(values, name)) {
      throw new ServiceError('INVALID_PARAMETER', `Parameter '${name}' is given more than once.`, {
        details: { parameter: name },
      });
    }
    values[name] = read(text, field);
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw invalidParameter(parsed.error);
}

function unknownParameter(name: string, allowed: string[]): ServiceError {
  const shown = name.slice(0, 64);
  return new ServiceError('INVALID_PARAMETER', `Unknown parameter '${shown}'.`, {
    details: { parameter: shown, allowed },
  });
}

function invalidParameter(error: z.ZodError): ServiceError {
  const issue = error.issues[0];
  const parameter = String(issue?.path[0] ?? '');
  return new ServiceError('INVALID_PARAMETER', `Parameter '${parameter}' ${issue?.message}.`, {
    details: { parameter },
    cause: error,
  });
}
