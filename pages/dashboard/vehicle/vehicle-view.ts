import type {
  ClassifyResponse,
  ModelsResponse,
  ReportResponse,
  VehicleData,
  VehiclePrediction,
} from '../../../shared/contract/vehicles.ts';
import { apiKey } from '../api-key.ts';
import { readBitmap } from '../bitmap.ts';
import { download } from '../download.ts';
import { button, card, factList, make, newId } from '../element.ts';
import { bytes, milliseconds, percent } from '../format.ts';
import { createImageInput } from '../image-input.ts';
import { PanZoomCanvas } from '../pan-zoom-canvas.ts';
import { service, transport, withApiKey } from '../service.ts';
import { emptyState, errorState, loadingState } from '../states.ts';
import type { View } from '../view.ts';
import { type ExplanationView, explanationScene } from './explanation-scene.ts';

const ATTRIBUTES: Record<string, string> = {
  make: 'Make',
  model: 'Model',
  type: 'Type',
  color: 'Colour',
  decade: 'Decade',
  country: 'Country',
  condition: 'Condition',
  stock_or_moded: 'Stock or modified',
  functional_utility: 'Use',
};

/** What vehicle an image shows. */
export function createVehicleView(): View {
  const results = make('div', { class: 'results' });
  const model = make('div');
  let file: File | undefined;
  let latest = 0;
  let isServed = false;

  const input = createImageInput({
    label: 'Choose an image',
    hint: 'of a vehicle; or drop it here, or paste it.',
    onFiles: ([first]) => first && use(first),
  });
  const controls = make('div', { class: 'controls' }, make('div', { class: 'card' }, input.element), model);
  controls.hidden = true;

  function loadModel(): void {
    results.replaceChildren(loadingState('Asking which model serves…'));
    withApiKey(() => transport.sendForJson<ModelsResponse>({ path: '/api/models/metadata' })).then(
      ({ data }) => showModel(data),
      (error) => results.replaceChildren(errorState(error, loadModel)),
    );
  }

  function showModel(data: ModelsResponse['data']): void {
    isServed = data.pipeline_initialized;
    controls.hidden = !isServed;
    if (!isServed) {
      const reason = data.reason ?? 'The service has no vehicle model.';
      results.replaceChildren(
        emptyState('No vehicle model is served', reason, button('Check again', loadModel)),
      );
      return;
    }
    model.replaceChildren(modelCard(data));
    results.replaceChildren(
      emptyState(
        'No image yet',
        'Choose an image of a vehicle to see its make, model, type, colour, decade and country.',
      ),
    );
  }

  function use(chosen: File): void {
    if (!isServed) return;
    file = chosen;
    input.showName(`${chosen.name} · ${bytes(chosen.size)}`);
    run();
  }

  function run(): void {
    const image = file;
    if (!image) return;
    latest += 1;
    const own = latest;
    results.replaceChildren(loadingState(`Classifying ${image.name}…`));
    withApiKey(() => classify(image)).then(
      (classified) => own === latest && results.replaceChildren(...showVehicle(classified)),
      (error) => own === latest && results.replaceChildren(errorState(error, run)),
    );
  }

  return {
    element: make('div', { class: 'split vehicle' }, controls, results),
    open() {
      if (!isServed) loadModel();
    },
    receive: ([first]) => first && use(first),
  };
}

function modelCard({ models, supported_attributes: attributes }: ModelsResponse['data']): HTMLElement {
  const serving = models.find(({ alias }) => alias === 'champion') ?? models[0];
  const facts: [string, string][] = serving
    ? [
        ['Name', serving.name],
        ['Version', serving.version],
        ['Classes', String(serving.labels.class?.length ?? '–')],
        ['Top-1 accuracy', serving.metrics.class ? percent(serving.metrics.class.top1) : '–'],
      ]
    : [];
  const names = attributes.map((name) => ATTRIBUTES[name] ?? name).join(', ');
  return card('Model', factList(facts), make('p', { class: 'soft small spaced' }, `Attributes: ${names}.`));
}

interface Classified {
  file: File;
  data: VehicleData;
  bitmap: ImageBitmap | undefined;
}

async function classify(file: File): Promise<Classified> {
  const { data } = await transport.sendForJson<ClassifyResponse>({
    method: 'POST',
    path: '/api/vehicle/classify',
    query: { include: 'all' },
    headers: { 'Content-Type': file.type.startsWith('image/') ? file.type : 'image/unknown' },
    body: new Uint8Array(await file.arrayBuffer()),
  });
  return { file, data, bitmap: await readBitmap(file, data.image) };
}

function showVehicle({ file, data, bitmap }: Classified): HTMLElement[] {
  const warnings = data.warnings.map(({ message }) => make('li', {}, message));
  const facts = factList([
    ['Vehicle', data.is_vehicle ? `yes (${percent(data.vehicle_probability)})` : 'none found'],
    ...(data.class && data.is_vehicle ? [['Class', data.class.predicted_value] as const] : []),
    ['Confidence', percent(data.overall_confidence)],
    ['From', data.cache.tier === null ? 'computed' : `cache (${data.cache.tier})`],
    ['Time at the service', milliseconds(data.processing_time_ms)],
  ]);
  const predictions = Object.values(data.predictions).map(predictionRow);
  return [
    make('p', { class: 'visually-hidden', role: 'status' }, 'The image is classified.'),
    facts,
    ...(warnings.length > 0 ? [make('ul', { class: 'card warnings' }, ...warnings)] : []),
    make(
      'div',
      { class: 'columns' },
      card(
        'Predictions',
        ...(data.is_vehicle ? predictions : [make('p', {}, 'The image shows no vehicle.')]),
      ),
      explanationViewer(data, bitmap),
    ),
    reportCard(file),
  ];
}

/** The most probable labels of an attribute, each with a bar. */
function predictionRow(prediction: VehiclePrediction): HTMLElement {
  const { attribute_name: name, predicted_value: value, raw_probabilities: labels } = prediction;
  const { is_confident: isConfident, uncertainty } = prediction.confidence_metrics;
  const alternatives = Object.entries(labels)
    .filter(([label]) => label !== String(value))
    .map(([label, probability]) => confidenceBar(label, probability, 'alternative'));
  const summary = make(
    'summary',
    {},
    make('span', { class: 'attribute' }, ATTRIBUTES[name] ?? name),
    confidenceBar(String(value), prediction.confidence, isConfident ? 'confident' : 'unsure'),
  );
  return make(
    'details',
    { class: 'prediction' },
    summary,
    ...alternatives,
    make('p', { class: 'soft small' }, `Uncertainty ${uncertainty.toFixed(2)} of 1.`),
  );
}

function confidenceBar(label: string, probability: number, kind: string): HTMLElement {
  const bar = make('span', { class: `bar ${kind}` });
  bar.style.width = `${100 * probability}%`;
  return make(
    'span',
    { class: 'confidence' },
    make('span', { class: 'label' }, label),
    make('span', { class: 'number' }, percent(probability)),
    make('span', { class: 'bar-track' }, bar),
  );
}

function explanationViewer(data: VehicleData, bitmap: ImageBitmap | undefined): HTMLElement {
  const view: ExplanationView = { opacity: 0.6 };
  const id = newId('opacity');
  const opacity = make('input', {
    id,
    type: 'range',
    min: 0,
    max: 1,
    step: 0.01,
    value: String(view.opacity),
  });
  const viewer = new PanZoomCanvas(
    'Image with the box of the vehicle and the regions that decided',
    make('label', { class: 'switch', for: id }, 'Regions'),
    opacity,
  );
  opacity.addEventListener('input', () => {
    view.opacity = Number(opacity.value);
    viewer.redraw();
  });
  viewer.show(explanationScene(data, bitmap, view));
  const label = data.explanation?.label;
  const text =
    label === undefined || !data.is_vehicle
      ? 'The blue box is the place that was looked at.'
      : `Green regions spoke for “${label}”, red ones against it. The blue box is the place that was looked at.`;
  return make('div', { class: 'stack' }, viewer.element, make('p', { class: 'soft small' }, text));
}

function reportCard(file: File): HTMLElement {
  const content = make('div', { class: 'stack' });
  const show = () => {
    content.replaceChildren(loadingState('Writing the report…'));
    withApiKey(() => service.vehicles.report(file)).then(
      (report) => content.replaceChildren(...showReport(report.data, file)),
      (error) => content.replaceChildren(errorState(error, show)),
    );
  };
  content.append(
    make(
      'p',
      { class: 'soft' },
      'A summary in sentences with recommendations, kept by the service for an hour.',
    ),
    make('div', { class: 'actions' }, button('Write a report', show)),
  );
  return card('Report', content);
}

function showReport(
  report: Pick<ReportResponse['data'], 'vehicle_id' | 'summary' | 'recommendations'>,
  file: File,
): HTMLElement[] {
  const { vehicle_id: id, summary, recommendations } = report;
  const page = make(
    'a',
    {
      class: 'button',
      href: `/api/vehicle/report/${encodeURIComponent(id)}?format=html`,
      target: '_blank',
      rel: 'noopener',
    },
    'Open as a page',
  );
  const status = make('p', { class: 'soft small', role: 'status' });
  const save = button('Save as a page', () => {
    withApiKey(() => service.vehicles.reportPage(file, { vehicleId: id })).then(
      (html) => {
        status.textContent = '';
        download(new Blob([html], { type: 'text/html' }), `vehicle-report-${id}.html`);
      },
      (error) => {
        status.textContent = error instanceof Error ? error.message : String(error);
      },
    );
  });
  return [
    make('p', {}, summary),
    make('ul', {}, ...recommendations.map((text) => make('li', {}, text))),
    make('p', { class: 'soft small' }, `Report ${id}`),
    // A link carries no API key.
    make('div', { class: 'actions' }, ...(apiKey() === undefined ? [page] : []), save),
    status,
  ];
}
