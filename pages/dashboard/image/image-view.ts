import type { FileFormat } from '../../../client/client.ts';
import type { DetectParameters } from '../../../client/contract.ts';
import { readBitmap } from '../bitmap.ts';
import { baseName, download } from '../download.ts';
import { button, card, factList, make, newId } from '../element.ts';
import { exampleImage } from '../example-image.ts';
import { bytes, count, milliseconds, plural, significant } from '../format.ts';
import { hashOfFile } from '../hash-file.ts';
import { createImageInput } from '../image-input.ts';
import { PanZoomCanvas } from '../pan-zoom-canvas.ts';
import { createParameterForm, EXTRACTION_GROUPS, type ParameterValues } from '../parameter-form.ts';
import { DETECT_PARAMETERS } from '../parameter-schemas.ts';
import { readServerTiming, timingBars } from '../server-timing.ts';
import {
  detectFile,
  extractionParameters,
  featureFile,
  isCached,
  type Keypoints,
  type Measured,
  measured,
  withApiKey,
} from '../service.ts';
import { emptyState, errorState, loadingState } from '../states.ts';
import type { View } from '../view.ts';
import { callTabs } from './calls.ts';
import { colourOf, type KeypointView, keypointScene, nearestKeypoint } from './keypoint-scene.ts';

const FORMATS: readonly { format: FileFormat; label: string; extension: string }[] = [
  { format: 'safetensors', label: 'safetensors', extension: 'safetensors' },
  { format: 'npz', label: 'NumPy (npz)', extension: 'npz' },
  { format: 'json', label: 'JSON', extension: 'json' },
  { format: 'colmap', label: 'COLMAP', extension: 'txt' },
  { format: 'key', label: 'Lowe’s key', extension: 'key' },
];
/** Rows of the table beside the image. */
const ROWS = 50;
/** Pixels of the screen around a keypoint. */
const HOVER_RADIUS = 14;
/** More circles than this would hide the image at first. */
const SHOWN_AT_FIRST = 2_000;

/** Features of one image. */
export function createImageView(): View {
  const results = make('div', { class: 'results' });
  let file: File | undefined;
  let latest = 0;

  const input = createImageInput({
    label: 'Choose an image',
    hint: 'or drop it here, or paste it. JPEG, PNG, BMP, TIFF or WebP.',
    onFiles: ([first]) => first && use(first),
  });
  const form = createParameterForm(
    DETECT_PARAMETERS,
    [
      ...EXTRACTION_GROUPS.map((group, index) => ({ ...group, isOpen: index === 0 })),
      { title: 'Descriptors', names: ['root_sift'] },
    ],
    { submitLabel: 'Extract', onSubmit: run },
  );
  const useExample = () => void exampleImage().then(use);
  results.append(
    emptyState(
      'No image yet',
      'Choose an image to see its keypoints, how long each step takes, and the call that gives the same.',
      button('Use an example', useExample, { class: 'primary' }),
    ),
  );

  function use(chosen: File): void {
    file = chosen;
    input.showName(`${chosen.name} · ${bytes(chosen.size)}`);
    run();
  }

  function run(): void {
    const image = file;
    const values = form.read();
    if (!image || !values) return;
    latest += 1;
    const own = latest;
    results.setAttribute('aria-busy', 'true');
    results.replaceChildren(loadingState(`Extracting the features of ${image.name}…`));
    withApiKey(() => extract(image, values))
      .then(
        (extraction) => own === latest && results.replaceChildren(...showExtraction(extraction)),
        (error) => own === latest && results.replaceChildren(errorState(error, run)),
      )
      .finally(() => own === latest && results.setAttribute('aria-busy', 'false'));
  }

  const controls = make(
    'div',
    { class: 'controls' },
    make('div', { class: 'card' }, input.element),
    card('Parameters', form.element),
  );
  return {
    element: make('div', { class: 'split' }, controls, results),
    receive: ([first]) => first && use(first),
  };
}

interface Extraction {
  file: File;
  values: ParameterValues;
  measurement: Measured<Keypoints>;
  bitmap: ImageBitmap | undefined;
}

async function extract(file: File, values: ParameterValues): Promise<Extraction> {
  const parameters: DetectParameters = values;
  const hash = await hashOfFile(file);
  const cachedHash = (await isCached(hash, extractionParameters(parameters))) ? hash : undefined;
  const measurement = await measured((client) =>
    detectFile(client, { file, cachedHash }, { ...parameters, include: 'keypoints' }),
  );
  const bitmap = await readBitmap(file, measurement.result.image);
  return { file, values, measurement, bitmap };
}

function showExtraction({ file, values, measurement, bitmap }: Extraction): HTMLElement[] {
  const { result, headers, elapsedMs } = measurement;
  const { image } = result;
  const facts = factList([
    ['Keypoints', count(result.keypoints)],
    ['From', result.cache.tier === null ? 'computed' : `cache (${result.cache.tier})`],
    ['Time at the service', milliseconds(result.processing_time_ms)],
    ['Image', `${image.format.toUpperCase()}, ${count(image.width)} × ${count(image.height)}`],
  ]);
  const viewer = keypointViewer(result, bitmap);
  const steps = readServerTiming(headers.get('server-timing'));
  return [
    make('div', { role: 'status', class: 'visually-hidden' }, plural(result.keypoints, 'keypoint')),
    facts,
    ...viewer,
    make(
      'div',
      { class: 'columns' },
      card('Time', timingBars(steps, elapsedMs)),
      card('Download', downloads(file, image.sha256, values)),
    ),
    card('The same by program', callTabs(file.name, values)),
    keypointTable(result),
  ];
}

function keypointViewer(keypoints: Keypoints, bitmap: ImageBitmap | undefined): HTMLElement[] {
  const total = keypoints.keypoints;
  const view: KeypointView = {
    shown: Math.min(total, SHOWN_AT_FIRST),
    isImageShown: true,
    highlighted: undefined,
  };
  const imageSwitch = make('input', { type: 'checkbox', checked: true });
  const viewer = new PanZoomCanvas(
    `Image with ${plural(total, 'keypoint')}`,
    make('label', { class: 'switch' }, imageSwitch, 'Image'),
    legend(keypoints),
  );
  const redraw = () => viewer.redraw();
  imageSwitch.addEventListener('change', () => {
    view.isImageShown = imageSwitch.checked;
    redraw();
  });
  const sliders = strengthSliders(keypoints, view, redraw);
  viewer.onHover = (at, pixel) => {
    const nearest = at && nearestKeypoint(keypoints, view.shown, at, HOVER_RADIUS * pixel);
    viewer.showTooltip(...(nearest === undefined ? [] : describeKeypoint(keypoints, nearest)));
    if (nearest === view.highlighted) return;
    view.highlighted = nearest;
    redraw();
  };
  viewer.show(keypointScene(keypoints, bitmap, view));
  const note = bitmap
    ? undefined
    : make('p', { class: 'soft small' }, 'The browser cannot show this image; only its keypoints are drawn.');
  return [viewer.element, ...(note ? [note] : []), sliders];
}

function legend({ octave }: Keypoints): HTMLElement {
  const octaves = [...new Set(octave)].toSorted((one, other) => one - other);
  const entries = octaves.map((number) => {
    const dot = make('span', { class: 'dot' });
    dot.style.background = colourOf(number);
    return make('li', {}, dot, String(number));
  });
  return make(
    'ul',
    { class: 'legend', 'aria-label': 'Colours of octaves' },
    make('li', {}, 'Octave'),
    ...entries,
  );
}

/** Keypoints come strongest first: a number and a strength are two ways to say how many are shown. */
function strengthSliders(keypoints: Keypoints, view: KeypointView, redraw: () => void): HTMLElement {
  const { response } = keypoints;
  const total = keypoints.keypoints;
  const [numberId, strengthId] = [newId('number'), newId('strength')];
  const number = make('input', {
    id: numberId,
    type: 'range',
    min: 0,
    max: total,
    value: String(view.shown),
  });
  const strength = make('input', { id: strengthId, type: 'range', min: 0, max: 1, step: 'any' });
  const [numberText, strengthText] = [make('output', { for: numberId }), make('output', { for: strengthId })];
  const greatest = response[0] ?? 0;
  // A threshold of 0 lets responses of 0 through, which have no logarithm.
  const least = Math.max(response.at(-1) ?? 0, greatest * 1e-9);
  // Responses are spread over orders of magnitude.
  const toPlace = (value: number) =>
    greatest > least ? Math.log(value / least) / Math.log(greatest / least) : 0;
  const fromPlace = (place: number) => least * (greatest / least) ** place;
  const update = () => {
    const weakest = response[Math.max(0, view.shown - 1)] ?? 0;
    number.value = String(view.shown);
    strength.value = String(view.shown === total ? 0 : toPlace(weakest));
    numberText.textContent = `${count(view.shown)} of ${count(total)}`;
    strengthText.textContent = `≥ ${significant(view.shown === 0 ? greatest : weakest)}`;
    strength.setAttribute('aria-valuetext', strengthText.textContent);
    redraw();
  };
  number.addEventListener('input', () => {
    view.shown = Number(number.value);
    update();
  });
  strength.addEventListener('input', () => {
    const bound = fromPlace(Number(strength.value)) * (1 - 1e-9);
    const firstWeaker = response.findIndex((value) => value < bound);
    view.shown = firstWeaker === -1 ? total : firstWeaker;
    update();
  });
  update();
  return make(
    'div',
    { class: 'sliders' },
    make('div', { class: 'slider' }, make('label', { for: numberId }, 'Strongest'), number, numberText),
    make('div', { class: 'slider' }, make('label', { for: strengthId }, 'Response'), strength, strengthText),
  );
}

function describeKeypoint({ x, y, size, angle, response, octave, layer }: Keypoints, row: number): string[] {
  return [
    `x ${x[row]?.toFixed(1)}, y ${y[row]?.toFixed(1)}`,
    `size ${size[row]?.toFixed(1)} px, angle ${angle[row]?.toFixed(0)}°`,
    `response ${significant(response[row] ?? 0)}`,
    `octave ${octave[row]}, layer ${layer[row]}`,
  ];
}

function keypointTable({ x, y, size, angle, response, octave, keypoints }: Keypoints): HTMLElement {
  const shown = Math.min(keypoints, ROWS);
  const columns: [string, (row: number) => string][] = [
    ['x', (row) => x[row]?.toFixed(1) ?? ''],
    ['y', (row) => y[row]?.toFixed(1) ?? ''],
    ['Size', (row) => size[row]?.toFixed(1) ?? ''],
    ['Angle', (row) => `${angle[row]?.toFixed(0)}°`],
    ['Response', (row) => significant(response[row] ?? 0)],
    ['Octave', (row) => String(octave[row])],
  ];
  const head = columns.map(([title]) => make('th', { scope: 'col', class: 'number' }, title));
  const rows = Array.from({ length: shown }, (_, row) =>
    make('tr', {}, ...columns.map(([, text]) => make('td', { class: 'number' }, text(row)))),
  );
  return make(
    'details',
    { class: 'card' },
    make('summary', {}, `The ${plural(shown, 'strongest keypoint')} as a table`),
    make(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of keypoints' },
      make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows)),
    ),
  );
}

function downloads(file: File, hash: string, values: ParameterValues): HTMLElement {
  const status = make('p', { class: 'soft small', role: 'status' }, 'Keypoints and descriptors as a file.');
  const buttons = FORMATS.map(({ format, label, extension }) => {
    const save = async () => {
      status.textContent = `Preparing ${label}…`;
      const parameters: DetectParameters = { ...values, ...(format === 'json' && { include: 'all' }) };
      const { bytes: content } = await withApiKey(() => featureFile({ file, hash }, format, parameters));
      download(new Blob([content]), `${baseName(file.name)}.${extension}`);
      status.textContent = `Saved ${bytes(content.length)}.`;
    };
    return button(label, () => {
      save().catch((error) => {
        status.textContent = error instanceof Error ? error.message : String(error);
      });
    });
  });
  return make('div', {}, make('div', { class: 'actions' }, ...buttons), status);
}
