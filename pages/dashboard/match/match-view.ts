import type { MatchParameters, MatchResponse } from '../../../client/contract.ts';
import { readBitmap } from '../bitmap.ts';
import { download } from '../download.ts';
import { button, card, factList, make, newId } from '../element.ts';
import { exampleImage, secondExampleImage } from '../example-image.ts';
import { bytes, count, milliseconds, percent, significant } from '../format.ts';
import { hashOfFile } from '../hash-file.ts';
import { createImageInput } from '../image-input.ts';
import { PanZoomCanvas, type Scene } from '../pan-zoom-canvas.ts';
import { createParameterForm, EXTRACTION_GROUPS } from '../parameter-form.ts';
import { MATCH_PARAMETERS } from '../parameter-schemas.ts';
import { isCached, service, withApiKey } from '../service.ts';
import { emptyState, errorState, loadingState } from '../states.ts';
import type { View } from '../view.ts';
import { type MatchView, matchScene, nearestMatch, sideBySide } from './match-scene.ts';
import { type OverlayView, overlayScene } from './overlay-scene.ts';

const HOVER_RADIUS = 14;
const LONGEST_PNG_SIDE = 4096;
/** After the last change of the slider. */
const RATIO_DELAY_MS = 300;

const REASONS: Record<NonNullable<MatchResponse['reason']>, string> = {
  too_few_matches: 'There are too few matches for a model.',
  no_consensus: 'The matches agree no better than chance would.',
};

/** How two images relate. */
export function createMatchView(): View {
  const files: (File | undefined)[] = [undefined, undefined];
  const results = make('div', { class: 'results' });
  let latest = 0;

  const inputs = ['first', 'second'].map((name, side) =>
    createImageInput({
      label: `Choose the ${name} image`,
      hint: 'or drop it here.',
      isMultiple: true,
      onFiles: (chosen) => use(chosen, side),
    }),
  );
  const form = createParameterForm(
    MATCH_PARAMETERS,
    [{ title: 'Model', names: ['model', 'threshold'], isOpen: true }, ...EXTRACTION_GROUPS],
    { submitLabel: 'Match', onSubmit: run },
  );
  const ratio = ratioSlider(run);
  const useExamples = () => {
    void Promise.all([exampleImage(), secondExampleImage()]).then((examples) => use(examples, 0));
  };
  results.append(
    emptyState(
      'No two images yet',
      'Choose two images of the same thing to see which keypoints match, and how one maps to the other.',
      button('Use an example', useExamples, { class: 'primary' }),
    ),
  );

  /** Two files at once are both sides. */
  function use(chosen: File[], side: number): void {
    const [first, second] = chosen;
    if (!first) return;
    const sides: [number, File][] = second
      ? [
          [0, first],
          [1, second],
        ]
      : [[side, first]];
    for (const [index, file] of sides) {
      files[index] = file;
      inputs[index]?.showName(`${file.name} · ${bytes(file.size)}`);
    }
    run();
  }

  function run(): void {
    const [one, other] = files;
    const values = form.read();
    if (!one || !other || !values) return;
    latest += 1;
    const own = latest;
    if (!results.querySelector('.viewer')) results.replaceChildren(loadingState('Matching…'));
    results.setAttribute('aria-busy', 'true');
    withApiKey(() => matchFiles([one, other], { ...values, ratio: ratio.value() }))
      .then(
        (matched) => own === latest && results.replaceChildren(...showMatch(matched)),
        (error) => own === latest && results.replaceChildren(errorState(error, run)),
      )
      .finally(() => own === latest && results.setAttribute('aria-busy', 'false'));
  }

  const controls = make(
    'div',
    { class: 'controls' },
    make('div', { class: 'card stack' }, ...inputs.map(({ element }) => element)),
    card('Parameters', ratio.element, form.element),
  );
  return {
    element: make('div', { class: 'split' }, controls, results),
    receive: (received) => use(received, files[0] ? 1 : 0),
  };
}

function ratioSlider(onChange: () => void): { element: HTMLElement; value: () => number } {
  const { minimum = 0, maximum = 1, default: initial = 0.75, description } = MATCH_PARAMETERS.ratio ?? {};
  const id = newId('ratio');
  const input = make('input', {
    id,
    type: 'range',
    min: minimum,
    max: maximum,
    step: 0.01,
    value: String(initial),
    title: description,
  });
  const text = make('output', { for: id }, String(initial));
  let timer = 0;
  input.addEventListener('input', () => {
    text.textContent = Number(input.value).toFixed(2);
    clearTimeout(timer);
    timer = window.setTimeout(onChange, RATIO_DELAY_MS);
  });
  return {
    element: make('div', { class: 'slider narrow' }, make('label', { for: id }, 'ratio'), input, text),
    value: () => Number(input.value),
  };
}

interface Matched {
  response: MatchResponse;
  bitmaps: readonly (ImageBitmap | undefined)[];
}

async function matchFiles(files: readonly [File, File], parameters: MatchParameters): Promise<Matched> {
  const { model: _model, ratio: _ratio, threshold: _threshold, ...extraction } = parameters;
  const reference = async (file: File) => {
    const hash = await hashOfFile(file);
    return hash !== undefined && (await isCached(hash, extraction)) ? hash : file;
  };
  const [one, other] = await Promise.all([reference(files[0]), reference(files[1])]);
  const response = await service.match(one, other, { ...parameters, include: 'all' }, { hashFirst: false });
  const bitmaps = await Promise.all(
    response.images.map((image, side) => readBitmap(files[side] ?? new Blob(), image)),
  );
  return { response, bitmaps };
}

function showMatch({ response, bitmaps }: Matched): HTMLElement[] {
  const { matches, inliers, images, processing_time_ms: ms } = response;
  const geometry = response.homography ?? response.fundamental;
  const facts = factList([
    ['Matches', count(matches)],
    ['Inliers', matches > 0 ? `${count(inliers)} (${percent(inliers / matches)})` : '0'],
    ['Median error', geometry ? `${geometry.median_reprojection_error.toFixed(2)} px` : '–'],
    ['Keypoints', images.map(({ keypoints }) => count(keypoints)).join(' and ')],
    ['Time at the service', milliseconds(ms)],
  ]);
  const reason = response.reason && make('p', { class: 'card warn' }, REASONS[response.reason]);
  const { homography } = response;
  return [
    make('p', { class: 'visually-hidden', role: 'status' }, `${matches} matches, ${inliers} inliers`),
    facts,
    ...(reason ? [reason] : []),
    matchViewer(response, bitmaps),
    ...(homography ? [overlayCard(response, homography.matrix, bitmaps)] : []),
    ...(geometry ? [numbersCard(response, geometry)] : []),
  ];
}

function matchViewer(response: MatchResponse, bitmaps: readonly (ImageBitmap | undefined)[]): HTMLElement {
  const view: MatchView = { areInliersShown: true, areOutliersShown: true, highlighted: undefined };
  const { matches, inliers, pairs } = response;
  const inlierSwitch = lineSwitch(`Inliers (${count(inliers)})`, 'inlier');
  const outlierSwitch = lineSwitch(`Outliers (${count(matches - inliers)})`, 'outlier');
  const save = button('Save as PNG', () => void savePng(scene));
  const viewer = new PanZoomCanvas(
    `Two images with ${matches} matches`,
    inlierSwitch.element,
    outlierSwitch.element,
    save,
  );
  const scene = matchScene(response, bitmaps, view);
  for (const { input } of [inlierSwitch, outlierSwitch]) {
    input.addEventListener('change', () => {
      view.areInliersShown = inlierSwitch.input.checked;
      view.areOutliersShown = outlierSwitch.input.checked;
      viewer.redraw();
    });
  }
  const place = sideBySide(response.images);
  viewer.onHover = (at, pixel) => {
    const radius = HOVER_RADIUS * pixel;
    const nearest = at && pairs && nearestMatch(pairs, place, view, { at, radius });
    viewer.showTooltip(...(nearest === undefined || !pairs ? [] : describePair(pairs, nearest)));
    if (nearest === view.highlighted) return;
    view.highlighted = nearest;
    viewer.redraw();
  };
  viewer.show(scene);
  return viewer.element;
}

function lineSwitch(label: string, kind: string): { element: HTMLElement; input: HTMLInputElement } {
  const input = make('input', { type: 'checkbox', checked: true });
  const dot = make('span', { class: `dot ${kind}` });
  return { element: make('label', { class: 'switch' }, input, dot, label), input };
}

function describePair(
  { x1, y1, x2, y2, distance, inlier }: NonNullable<MatchResponse['pairs']>,
  row: number,
): string[] {
  return [
    inlier[row] ? 'inlier' : 'outlier',
    `(${x1[row]?.toFixed(1)}, ${y1[row]?.toFixed(1)}) → (${x2[row]?.toFixed(1)}, ${y2[row]?.toFixed(1)})`,
    `distance ${distance[row]?.toFixed(1)}`,
  ];
}

async function savePng(scene: Scene): Promise<void> {
  const scale = Math.min(1, LONGEST_PNG_SIDE / Math.max(scene.width, scene.height));
  const canvas = make('canvas', {
    width: Math.round(scene.width * scale),
    height: Math.round(scene.height * scale),
  });
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(scale, scale);
  scene.draw(context, 1 / scale);
  canvas.toBlob((content) => content && download(content, 'matches.png'), 'image/png');
}

function overlayCard(
  response: MatchResponse,
  matrix: Parameters<typeof overlayScene>[1],
  bitmaps: readonly (ImageBitmap | undefined)[],
): HTMLElement {
  const view: OverlayView = { opacity: 0.5, isDifference: false };
  const id = newId('opacity');
  const opacity = make('input', { id, type: 'range', min: 0, max: 1, step: 0.01, value: '0.5' });
  const difference = make('input', { type: 'checkbox' });
  const viewer = new PanZoomCanvas(
    'The first image mapped onto the second one',
    make('label', { class: 'switch', for: id }, 'First image'),
    opacity,
    make('label', { class: 'switch' }, difference, 'Difference'),
  );
  opacity.addEventListener('input', () => {
    view.opacity = Number(opacity.value);
    viewer.redraw();
  });
  difference.addEventListener('change', () => {
    view.isDifference = difference.checked;
    viewer.redraw();
  });
  viewer.show(overlayScene(response, matrix, bitmaps, view));
  return make(
    'details',
    { class: 'card' },
    make('summary', {}, 'Overlay: the first image mapped onto the second one'),
    viewer.element,
  );
}

function numbersCard(
  { model, homography, log10_false_alarms: falseAlarms }: MatchResponse,
  geometry: NonNullable<MatchResponse['homography']>,
): HTMLElement {
  const { matrix, reprojection_error: mean, median_reprojection_error: median } = geometry;
  const rows = matrix.map((row) =>
    make('tr', {}, ...row.map((value) => make('td', { class: 'number' }, significant(value)))),
  );
  const [[a, b], [c, d]] = matrix;
  const meaning: [string, string][] = homography
    ? [
        ['Scale, about', `× ${Math.sqrt(Math.abs(a * d - b * c)).toFixed(2)}`],
        ['Turned, about', `${((Math.atan2(c - b, a + d) * 180) / Math.PI).toFixed(1)}°`],
      ]
    : [];
  return card(
    homography ? 'Homography, first image to second' : 'Fundamental matrix',
    make(
      'div',
      { class: 'columns' },
      make(
        'table',
        { class: 'matrix' },
        make('caption', { class: 'visually-hidden' }, `The ${model} matrix, row by row`),
        make('tbody', {}, ...rows),
      ),
      factList([
        ...meaning,
        ['Mean error', `${mean.toFixed(2)} px`],
        ['Median error', `${median.toFixed(2)} px`],
        ['False alarms, log₁₀', falseAlarms === undefined ? '–' : falseAlarms.toFixed(0)],
      ]),
    ),
  );
}
