import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cacheClearQuerySchema,
  cacheListQuerySchema,
} from '../../../shared/contract/cache-administration.ts';
import { ServiceError } from '../../../shared/contract/errors.ts';
import {
  DEFAULT_SIFT_PARAMETERS,
  detectParametersSchema,
  matchParametersSchema,
  parameterPairs,
  parseDetectParameters,
  parseMatchParameters,
  parseSiftParameters,
  parseTextParameters,
} from '../../../shared/contract/parameters.ts';
import { featureKey } from '../../../shared/feature-key.ts';

const EXTRACTOR = { name: 'opencv-sift', version: '4.6.0-avx2' };
const SHA256 = '0'.repeat(64);

function keyOfPairs(...pairs: [string, string][]): string {
  return featureKey(EXTRACTOR, parseDetectParameters(pairs).sift, SHA256);
}

function failureOf(...pairs: [string, string][]): ServiceError {
  try {
    parseDetectParameters(pairs);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(pairs)}`);
}

describe('parameters', () => {
  test("default to OpenCV's", () => {
    expect(parseDetectParameters([])).toEqual({
      sift: { nfeatures: 0, n_octave_layers: 3, contrast_threshold: 0.04, edge_threshold: 10, sigma: 1.6 },
      representation: { root_sift: false, include: 'summary' },
    });
  });

  test.each([
    ['nfeatures', '-1'],
    ['nfeatures', '1.5'],
    ['nfeatures', '1000001'],
    ['nfeatures', '0x10'],
    ['nfeatures', 'true'],
    ['n_octave_layers', '0'],
    ['n_octave_layers', '9'],
    ['contrast_threshold', '-0.01'],
    ['contrast_threshold', '1.01'],
    ['contrast_threshold', 'NaN'],
    ['contrast_threshold', 'Infinity'],
    ['contrast_threshold', '1e999'],
    ['edge_threshold', '0.5'],
    ['sigma', '0'],
    ['sigma', 'abc'],
    ['root_sift', 'yes'],
    ['root_sift', '2'],
    ['denoise', 'yes'],
    ['denoise_h', '0'],
    ['denoise_h_color', '101'],
    ['denoise_template_window_size', '6'],
    ['denoise_template_window_size', '23'],
    ['denoise_search_window_size', '1'],
    ['denoise_search_window_size', '20'],
    ['denoise_search_window_size', '37'],
    ['include', 'everything'],
    ['format', 'xml'],
  ])('%s=%s is refused by name', (name, value) => {
    const failure = failureOf([name, value]);
    expect(failure.code).toBe('INVALID_PARAMETER');
    expect(failure.details).toMatchObject({ parameter: name });
  });

  test('a refusal says in a sentence what the value must be', () => {
    const parsers: [names: string[], parse: (pairs: [string, string][]) => unknown][] = [
      [Object.keys(detectParametersSchema.shape), parseDetectParameters],
      [Object.keys(matchParametersSchema.shape), parseMatchParameters],
      [Object.keys(cacheListQuerySchema.shape), (pairs) => parseTextParameters(cacheListQuerySchema, pairs)],
      [
        Object.keys(cacheClearQuerySchema.shape),
        (pairs) => parseTextParameters(cacheClearQuerySchema, pairs),
      ],
    ];
    for (const [names, parse] of parsers) {
      for (const name of names) {
        const value = 'x'.repeat(1_000);
        expect(() => parse([[name, value]]), `${name}=${value}`).toThrow(/^Parameter '\w+' must be [^A-Z]/);
      }
    }
  });

  test('unknown names are refused with the list of known ones; none of the prototype is known', () => {
    for (const name of ['n_features', 'constructor', '__proto__', 'toString', '']) {
      expect(failureOf([name, '1']).details).toMatchObject({
        parameter: name,
        allowed: expect.arrayContaining(['nfeatures', 'sigma', 'include']),
      });
    }
  });

  test('a name given twice is refused, even with one value', () => {
    expect(failureOf(['sigma', '1.6'], ['sigma', '1.6']).details).toEqual({ parameter: 'sigma' });
  });

  test('any text at all is accepted or refused with INVALID_PARAMETER', () => {
    const name = fc.oneof(fc.constantFrom('nfeatures', 'sigma', 'include', 'root_sift'), fc.string());
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
        try {
          parseDetectParameters(pairs);
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
          expect(error).toMatchObject({ code: 'INVALID_PARAMETER' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('feature key', () => {
  test('names extractor, parameters and image', () => {
    expect(keyOfPairs()).toBe(`opencv-sift@4.6.0-avx2/n0-l3-c0.04-e10-s1.6/${SHA256}`);
  });

  test('is one for all spellings of a value, and does not depend on the representation', () => {
    expect(keyOfPairs(['contrast_threshold', '0.0400'], ['sigma', '16e-1'])).toBe(keyOfPairs());
    expect(keyOfPairs(['include', 'all'], ['root_sift', 'true'], ['format', 'safetensors'])).toBe(
      keyOfPairs(),
    );
  });

  test('differs whenever a parameter differs', () => {
    const number = fc.double({ min: 0.5, max: 1, noNaN: true });
    fc.assert(
      fc.property(number, number, (one, other) => {
        fc.pre(one !== other);
        expect(keyOfPairs(['sigma', String(one)])).not.toBe(keyOfPairs(['sigma', String(other)]));
      }),
    );
  });
});

describe('numbers', () => {
  /** Every order of magnitude is as likely as another. */
  const smallThreshold = fc
    .tuple(fc.double({ min: 1, max: 10, noNaN: true, maxExcluded: true }), fc.integer({ min: -12, max: -1 }))
    .map(([digits, exponent]) => digits * 10 ** exponent);

  test('are read as they are meant, however small, in the spelling of JavaScript and of Python', () => {
    fc.assert(
      fc.property(smallThreshold, (threshold) => {
        const fromJavaScript = String(threshold);
        // Python writes an exponent below 1e-4, with two digits: 5e-05.
        const fromPython = threshold < 1e-4 ? threshold.toExponential() : fromJavaScript;
        for (const text of [fromJavaScript, fromPython, fromPython.replace(/e-(\d)$/, 'e-0$1')]) {
          const { sift } = parseDetectParameters([['contrast_threshold', text]]);
          expect(sift.contrast_threshold, text).toBe(threshold);
          expect(parseSiftParameters(parameterPairs(sift)), text).toEqual(sift);
        }
      }),
      { examples: [[1 / 300_000], [1.2345678901234567e-6], [1e-7]] },
    );
  });

  test('have one key in all spellings', () => {
    const spellings = ['0.04', '.04', '4e-2', '0.0400', '+0.04', '4E-02', ' 0.04 '];
    for (const text of spellings) expect(keyOfPairs(['contrast_threshold', text]), text).toBe(keyOfPairs());
    expect(keyOfPairs(['nfeatures', '500.0'])).toBe(keyOfPairs(['nfeatures', '500']));
    expect(keyOfPairs(['contrast_threshold', '-0'])).toBe(keyOfPairs(['contrast_threshold', '0']));
  });
});

describe('orientation', () => {
  const KEY = 'opencv-sift@4.6.0-avx2/n0-l3-c0.04-e10-s1.6';

  test('is applied by default, which leaves parameters and key as they were', () => {
    expect(parseDetectParameters([['orientation', 'apply']]).sift).toEqual(DEFAULT_SIFT_PARAMETERS);
    expect(keyOfPairs(['orientation', 'apply'])).toBe(`${KEY}/${SHA256}`);
  });

  test('that is ignored is part of the key and reaches the origin', () => {
    const { sift } = parseDetectParameters([['orientation', 'ignore']]);
    expect(sift).toEqual({ ...DEFAULT_SIFT_PARAMETERS, orientation: 'ignore' });
    expect(keyOfPairs(['orientation', 'ignore'])).toBe(`${KEY}-oignore/${SHA256}`);
    expect(parseSiftParameters(parameterPairs(sift))).toEqual(sift);
  });

  test('has no other values', () => {
    expect(() => parseDetectParameters([['orientation', '6']])).toThrow(
      "'orientation' must be one of: apply, ignore",
    );
  });
});

describe('denoising', () => {
  const KEY = `opencv-sift@4.6.0-avx2/n0-l3-c0.04-e10-s1.6`;

  test("defaults to OpenCV's strengths and windows, and is part of the key", () => {
    const { sift } = parseDetectParameters([['denoise', 'true']]);
    expect(sift.denoising).toEqual({
      h: 3,
      h_color: 3,
      template_window_size: 7,
      search_window_size: 21,
    });
    expect(keyOfPairs(['denoise', 'true'])).toBe(`${KEY}-dh3-dc3-dt7-ds21/${SHA256}`);
  });

  test('that is not requested changes nothing, with any parameters', () => {
    const { sift } = parseDetectParameters([
      ['denoise', 'false'],
      ['denoise_h', '10'],
    ]);
    expect(sift).toEqual(DEFAULT_SIFT_PARAMETERS);
    expect(keyOfPairs(['denoise_search_window_size', '9'])).toBe(`${KEY}/${SHA256}`);
  });

  test('all parameters survive the way to the origin', () => {
    const odd = (least: number, greatest: number) =>
      fc.integer({ min: (least - 1) / 2, max: (greatest - 1) / 2 }).map((half) => 2 * half + 1);
    const strength = fc.double({ min: 0.1, max: 100, noNaN: true });
    const denoising = fc.record({
      h: strength,
      h_color: strength,
      template_window_size: odd(1, 21),
      search_window_size: odd(3, 35),
    });
    fc.assert(
      fc.property(fc.option(denoising), fc.double({ min: 0.5, max: 10, noNaN: true }), (chosen, sigma) => {
        const given = { ...DEFAULT_SIFT_PARAMETERS, sigma, ...(chosen && { denoising: chosen }) };
        expect(parseSiftParameters(parameterPairs(given))).toEqual(given);
      }),
    );
  });
});
