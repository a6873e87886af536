import type { DetectParameters } from '../../../client/contract.ts';
import { download } from '../download.ts';
import { button, card, make, newId } from '../element.ts';
import { count, plural, seconds } from '../format.ts';
import { createImageInput, folderButton } from '../image-input.ts';
import { createParameterForm, EXTRACTION_GROUPS } from '../parameter-form.ts';
import { DETECT_PARAMETERS } from '../parameter-schemas.ts';
import { emptyState } from '../states.ts';
import type { View } from '../view.ts';
import { type BatchImage, batchImage, ImageBatch } from './image-batch.ts';
import { ImageTable } from './image-table.ts';
import { ARCHIVE_FORMATS, csvOf, zipOf } from './results.ts';

const PROGRESS_MS = 500;

/** Features of many images. @param onOpen called with an image that is to be seen by itself */
export function createImagesView(onOpen: (file: File) => void): View {
  const batch = new ImageBatch();
  let images: BatchImage[] = [];
  let parameters: DetectParameters = {};
  let isRunning = false;
  let isAskedAgain = false;
  let startedAt = 0;
  let finishedBefore = 0;

  const table = new ImageTable(({ file }) => onOpen(file));
  const bar = make('progress', { max: 1, value: '0', 'aria-label': 'Images finished' });
  const text = make('p', { class: 'progress-text' });
  const announcement = make('p', { class: 'visually-hidden', role: 'status' });
  const stop = button('Stop', () => batch.stop());
  const go = button('Continue', start, { class: 'primary' });
  const retry = button('Retry failures', retryFailures);
  const clear = button('Clear', () => {
    images = [];
    update();
  });
  const results = createResults(() => ({ images, parameters }));
  const panel = make(
    'section',
    { class: 'card', 'aria-label': 'Progress' },
    bar,
    text,
    announcement,
    make('div', { class: 'actions' }, stop, go, retry, clear, results),
  );
  const empty = emptyState(
    'No images yet',
    'Choose files or a folder. Each image is hashed here, and only those that are not cached are sent.',
  );
  const input = createImageInput({
    label: 'Choose images',
    hint: 'or drop files and folders here.',
    isMultiple: true,
    onFiles: add,
    actions: [folderButton('Choose a folder', add)],
  });
  const form = createParameterForm(DETECT_PARAMETERS, EXTRACTION_GROUPS, {
    submitLabel: 'Extract all again',
    onSubmit() {
      for (const image of images) reset(image);
      start();
    },
  });
  const content = make('div', { class: 'results' }, empty, panel, table.element);
  update();

  function add(files: File[]): void {
    images = [...images, ...files.map(batchImage)];
    start();
  }

  function retryFailures(): void {
    for (const image of images) if (image.state === 'failed') reset(image);
    start();
  }

  function start(): void {
    const values = form.read();
    if (!values) return;
    if (isRunning) {
      isAskedAgain = true;
      update();
      return;
    }
    parameters = values;
    isRunning = true;
    startedAt = performance.now();
    finishedBefore = images.filter(isFinished).length;
    update();
    const timer = setInterval(showProgress, PROGRESS_MS);
    void batch
      .run(images, parameters, () => table.redraw())
      .finally(() => {
        clearInterval(timer);
        isRunning = false;
        table.resort();
        update();
        announcement.textContent = text.textContent;
        if (!isAskedAgain) return;
        isAskedAgain = false;
        start();
      });
  }

  function update(): void {
    const hasImages = images.length > 0;
    empty.hidden = hasImages;
    panel.hidden = !hasImages;
    table.element.hidden = !hasImages;
    table.show(images);
    showProgress();
  }

  function showProgress(): void {
    const finished = images.filter(isFinished).length;
    const failed = images.filter(({ state }) => state === 'failed').length;
    bar.max = Math.max(1, images.length);
    bar.value = finished;
    text.textContent = progressText(images, {
      rate: isRunning ? (1000 * (finished - finishedBefore)) / (performance.now() - startedAt) : undefined,
    });
    stop.hidden = !isRunning;
    go.hidden = isRunning || finished === images.length;
    retry.hidden = isRunning || failed === 0;
    clear.hidden = isRunning;
    results.hidden = isRunning || finished === 0;
  }

  return {
    element: make(
      'div',
      { class: 'split' },
      make(
        'div',
        { class: 'controls' },
        make('div', { class: 'card' }, input.element),
        card('Parameters', form.element),
      ),
      content,
    ),
    receive: add,
  };
}

function isFinished({ state }: BatchImage): boolean {
  return state === 'done' || state === 'failed';
}

function reset(image: BatchImage): void {
  image.state = 'waiting';
  delete image.result;
  delete image.ms;
  delete image.error;
}

/** @param rate images per second; undefined when nothing runs */
function progressText(images: readonly BatchImage[], { rate }: { rate: number | undefined }): string {
  const finished = images.filter(isFinished).length;
  const failed = images.filter(({ state }) => state === 'failed').length;
  const cached = images.filter(({ result }) => result?.cached).length;
  const parts = [`${count(finished)} of ${plural(images.length, 'image')}`, `${count(cached)} cached`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (rate !== undefined && rate > 0) {
    parts.push(`${rate.toFixed(1)} per second`, `${seconds((images.length - finished) / rate)} left`);
  }
  return parts.join(' · ');
}

/** Buttons for the results as files. */
function createResults(
  current: () => { images: readonly BatchImage[]; parameters: DetectParameters },
): HTMLElement {
  const id = newId('format');
  const select = make(
    'select',
    { id },
    ...ARCHIVE_FORMATS.map((name) => make('option', { value: name }, name)),
  );
  const status = make('span', { class: 'soft small', role: 'status' });
  const csv = button('CSV', () => {
    download(new Blob([csvOf(current().images)], { type: 'text/csv' }), 'edgesift-results.csv');
  });
  const zip = button('ZIP of features', () => {
    const { images, parameters } = current();
    const format = ARCHIVE_FORMATS.find((name) => name === select.value) ?? 'safetensors';
    const total = images.filter(({ state }) => state === 'done').length;
    zip.disabled = true;
    zipOf(images, format, {
      parameters,
      onProgress(done) {
        status.textContent = `${count(done)} of ${count(total)} files`;
      },
    })
      .then(
        (archive) => {
          download(archive, 'edgesift-features.zip');
          status.textContent = '';
        },
        (error) => {
          status.textContent = error instanceof Error ? error.message : String(error);
        },
      )
      .finally(() => {
        zip.disabled = false;
      });
  });
  const label = make('label', { for: id, class: 'visually-hidden' }, 'Format of the features');
  return make('span', { class: 'result-files' }, csv, zip, label, select, status);
}
