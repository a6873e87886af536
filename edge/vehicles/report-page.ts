import {
  confidenceLevel,
  type VehicleData,
  type VehicleExplanation,
  type VehiclePrediction,
  type VehicleReport,
} from '../../shared/contract/vehicles.ts';
import { LABELS, percent } from './vehicle-reports.ts';

/** Nothing is loaded and nothing runs: styles are in the page, the image is a data URL. */
export const REPORT_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--muted:#5a6572;--line:#d5dbe2;--back:#fff;--high:#14713d;--medium:#8a5a00;--low:#b3261e}
@media (prefers-color-scheme:dark){:root{--text:#e8ecf1;--muted:#a3aebb;--line:#3a4552;--back:#12171d;--high:#5fd08f;--medium:#f0b95a;--low:#ff8a80}}
body{margin:2rem auto;max-width:52rem;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:1.6rem 0 .4rem}p{margin:.4rem 0}.muted{color:var(--muted)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
.HIGH{color:var(--high)}.MEDIUM{color:var(--medium)}.LOW{color:var(--low)}.HIGH,.MEDIUM,.LOW{font-weight:600}
figure{margin:1rem 0}svg{max-width:100%;height:auto;border:1px solid var(--line)}
@media print{:root{--text:#000;--muted:#444;--line:#999;--back:#fff}body{margin:0;max-width:none}h2{break-after:avoid}tr,figure{break-inside:avoid}}`;

/** A report as a page that needs nothing else. */
export function reportPage(report: VehicleReport): string {
  const { classification_results: data } = report;
  const level = report.metadata.confidence_level;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Vehicle report ${escaped(report.vehicle_id)}</title><style>${STYLE}</style></head>
<body><main><header><h1>Vehicle report</h1>
<p class="muted">${escaped(report.vehicle_id)} · ${escaped(report.report_date)}</p></header>
<h2>Summary</h2><p>${escaped(report.summary)}</p>
<p>Confidence: <span class="${level}">${level}</span> (${percent(report.confidence_score)})</p>
${image(data)}
<h2>Predictions</h2>${predictionTable(data)}
<h2>Recommendations</h2><ul>${report.recommendations.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>
<h2>Image and model</h2>${facts(data)}
</main></body></html>
`;
}

function predictionTable({ predictions }: VehicleData): string {
  const rows = Object.values(predictions).map(predictionRow).join('');
  return `<table><thead><tr><th scope="col">Attribute</th><th scope="col">Value</th><th scope="col">Confidence</th><th scope="col">Uncertainty</th><th scope="col">Alternatives</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function predictionRow(prediction: VehiclePrediction): string {
  const {
    attribute_name: name,
    predicted_value: value,
    confidence,
    confidence_metrics: metrics,
  } = prediction;
  const level = confidenceLevel(confidence);
  const others = Object.entries(prediction.raw_probabilities)
    .filter(([label]) => label !== value)
    .map(([label, probability]) => `${escaped(label)} ${percent(probability)}`);
  return `<tr><th scope="row">${LABELS[name]}</th><td>${escaped(String(value))}</td><td><span class="${level}">${level}</span> ${percent(confidence)}</td><td>${metrics.uncertainty.toFixed(2)}</td><td>${others.join(', ') || '–'}</td></tr>`;
}

/** The thumbnail with the box and, over it, what spoke for (blue) and against (orange) the class. */
function image({ thumbnail, image, box, explanation, is_vehicle: isVehicle }: VehicleData): string {
  if (!thumbnail) return '';
  const shown = isVehicle ? explanation : undefined;
  const cells = shown ? heatMap(shown, box) : '';
  const caption = shown
    ? `Places that spoke for (blue) and against (orange) “${escaped(shown.label)}”.`
    : 'The image, with the place that was looked at.';
  const stroke = Math.max(image.width, image.height) / 200;
  return `<figure><svg role="img" aria-label="Thumbnail of the image with the vehicle's box" viewBox="0 0 ${image.width} ${image.height}" width="${thumbnail.width}" height="${thumbnail.height}"><image href="data:${thumbnail.media_type};base64,${thumbnail.base64}" width="${image.width}" height="${image.height}"/>${cells}<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" fill="none" stroke="#1c2430" stroke-width="${stroke}"/></svg><figcaption class="muted">${caption}</figcaption></figure>`;
}

/** Stretched over the box. */
function heatMap({ overlay }: VehicleExplanation, box: VehicleData['box']): string {
  if (!overlay) return '';
  return `<image href="data:${overlay.media_type};base64,${overlay.base64}" x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" preserveAspectRatio="none"/>`;
}

function facts({ image, classifier, box_source: source, links }: VehicleData): string {
  const rows = [
    ['Image', `${image.format}, ${image.width} × ${image.height}, ${image.bytes} bytes`],
    ['SHA-256', image.sha256],
    ['Place', { caller: 'given by the caller', found: 'found', whole: 'the whole image' }[source]],
    ['Model', `${classifier.name}, version ${classifier.version}`],
    ['SHA-256 of the model', classifier.sha256],
    ['Model card', links.model],
  ];
  const cells = rows.map(
    ([name = '', value = '']) => `<tr><th scope="row">${name}</th><td>${escaped(value)}</td></tr>`,
  );
  return `<table><tbody>${cells.join('')}</tbody></table>`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
