import path from 'node:path';
import type { ReliabilityBin } from './calibration.ts';
import { figuresOf, type Predictions } from './predictions.ts';
import { renderSvg } from './svg.ts';
import { writeWhole } from './write-model.ts';

const PLOT = 480;
const EDGE = 56;
/** Labels are written beside a confusion matrix up to this many. */
const MOST_WRITTEN = 60;

/**
 * Writes `<attribute>.json`, `<attribute>-confusion.png` and `<attribute>-reliability.png` to a folder.
 *
 * @param predictions calibrated
 */
export async function writeFigures(
  folder: string,
  attribute: string,
  predictions: Predictions,
): Promise<void> {
  const figures = figuresOf(predictions);
  await writeWhole(path.join(folder, `${attribute}.json`), `${JSON.stringify(figures, null, 1)}\n`);
  const confusion = confusionSvg(attribute, predictions.labels, figures.confusion);
  await writeWhole(path.join(folder, `${attribute}-confusion.png`), await renderSvg(confusion));
  const diagram = reliabilitySvg(attribute, figures.reliability, figures.ece);
  await writeWhole(path.join(folder, `${attribute}-reliability.png`), await renderSvg(diagram));
}

function confusionSvg(
  attribute: string,
  labels: readonly string[],
  confusion: readonly (readonly number[])[],
): string {
  const written = labels.length <= MOST_WRITTEN;
  const cell = written ? 14 : 4;
  const margin = written ? 150 : 40;
  const side = margin + labels.length * cell + 20;
  const cells = confusion.flatMap((row, y) => {
    const total = Math.max(
      1,
      row.reduce((sum, count) => sum + count, 0),
    );
    return row.flatMap((count, x) => {
      if (count === 0) return [];
      const shade = Math.round(235 - 200 * Math.sqrt(count / total));
      const fill = x === y ? `rgb(${shade},${Math.min(255, shade + 20)},255)` : `rgb(255,${shade},${shade})`;
      return [
        `<rect x="${margin + x * cell}" y="${margin + y * cell}" width="${cell}" height="${cell}" fill="${fill}"/>`,
      ];
    });
  });
  const names = written
    ? labels.flatMap((label, index) => {
        const at = margin + index * cell + 10;
        return [
          `<text x="${margin - 4}" y="${at}" text-anchor="end" font-size="10">${escaped(label)}</text>`,
          `<text transform="translate(${at},${margin - 4}) rotate(-90)" font-size="10">${escaped(label)}</text>`,
        ];
      })
    : [];
  return svgOf(side, side, [
    `<text x="8" y="18" font-size="14">${escaped(attribute)}: rows are true, columns predicted</text>`,
    ...cells,
    ...names,
  ]);
}

function reliabilitySvg(attribute: string, bins: readonly ReliabilityBin[], error: number): string {
  const side = PLOT + 2 * EDGE;
  const x = (value: number) => EDGE + value * PLOT;
  const y = (value: number) => EDGE + (1 - value) * PLOT;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const bars = bins.map(({ count }, index) => {
    const height = (count / most) * PLOT * 0.25;
    const width = PLOT / bins.length - 2;
    return `<rect x="${x(index / bins.length)}" y="${y(0) - height}" width="${width}" height="${height}" fill="#ddd"/>`;
  });
  const points = bins
    .filter(({ count }) => count > 0)
    .map(
      ({ confidence, accuracy }) =>
        `<circle cx="${x(confidence)}" cy="${y(accuracy)}" r="5" fill="#1565c0"/>`,
    );
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    `<text x="${x(tick)}" y="${y(0) + 20}" text-anchor="middle" font-size="12">${tick}</text>`,
    `<text x="${x(0) - 8}" y="${y(tick) + 4}" text-anchor="end" font-size="12">${tick}</text>`,
  ]);
  return svgOf(side, side, [
    `<text x="${EDGE}" y="24" font-size="14">${escaped(attribute)}: share that is right by confidence; error ${(100 * error).toFixed(1)} %</text>`,
    `<rect x="${x(0)}" y="${y(1)}" width="${PLOT}" height="${PLOT}" fill="none" stroke="#888"/>`,
    ...bars,
    `<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#888" stroke-dasharray="4"/>`,
    ...points,
    ...ticks,
  ]);
}

function svgOf(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
