import * as z from 'zod';
import type { SiftParameters } from './contract/parameters.ts';
import { type Extractor, extractorId } from './extractor.ts';

/** Lower-case hexadecimal SHA-256 of an image file's bytes. */
export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 lower-case hexadecimal digits' });

/**
 * The complete name of a result: every computation of the features of this key gives the same bytes.
 * Looks like `edgesift@1/n0-l3-c0.04-e10-s1.6/<sha256>`.
 */
export function featureKey(extractor: Extractor, parameters: SiftParameters, imageSha256: string): string {
  return `${extractorId(extractor)}/${canonicalParameters(parameters)}/${imageSha256}`;
}

/** Numbers in ECMAScript's shortest round-trip form, so that `0.040` and `4e-2` are one parameter set. */
function canonicalParameters(parameters: SiftParameters): string {
  const { denoising, orientation } = parameters;
  return [
    `n${parameters.nfeatures}`,
    `l${parameters.n_octave_layers}`,
    `c${parameters.contrast_threshold}`,
    `e${parameters.edge_threshold}`,
    `s${parameters.sigma}`,
    ...(denoising
      ? [
          `dh${denoising.h}`,
          `dc${denoising.h_color}`,
          `dt${denoising.template_window_size}`,
          `ds${denoising.search_window_size}`,
        ]
      : []),
    ...(orientation ? [`o${orientation}`] : []),
  ].join('-');
}
