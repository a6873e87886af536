import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderSvg } from '../../training/svg.ts';

const WIDTH = 120;
const HEIGHT = 80;

/** Kinds of things that a small model can distinguish: body, wheels and colour differ. */
const KINDS = [
  { make: 'Round', model: 'Ball', type: 'Van', color: 'red', decade: '2000s', country: 'USA' },
  { make: 'Square', model: 'Box', type: 'Van', color: 'blue', decade: '2010s', country: 'Japan' },
  { make: 'Square', model: 'Grid', type: 'Coupe', color: 'green', decade: '2000s', country: 'Japan' },
] as const;

/** A data folder with a manifest that labels every attribute, and one with images of noise. */
export async function makeData(
  folder: string,
  perKind: number,
): Promise<{ data: string; negatives: string }> {
  const data = path.join(folder, 'data');
  const negatives = path.join(folder, 'negatives');
  await Promise.all([mkdir(data, { recursive: true }), mkdir(negatives, { recursive: true })]);
  const lines = [
    'file,make,model,body_type,color,decade,country,condition,stock_or_moded,functional_utility',
  ];
  for (const [kind, labels] of KINDS.entries()) {
    for (let index = 0; index < perKind; index++) {
      const file = `${labels.model}-${index}.png`;
      await writeFile(path.join(data, file), await image(kind, index));
      const worn = index % 2 === 1;
      lines.push(
        [
          file,
          ...Object.values(labels),
          worn ? '0.2' : '0.9',
          worn ? 'moded' : 'stock',
          kind === 0 ? '"people, mostly"' : 'goods',
        ].join(','),
      );
    }
  }
  await writeFile(path.join(data, 'manifest.csv'), `${lines.join('\n')}\n`);
  for (let index = 0; index < perKind; index++) {
    await writeFile(path.join(negatives, `${index}.png`), await noise(index));
  }
  return { data, negatives };
}

/** The file of an image; `index` moves and shades it, every second one is worn: it has stripes. */
export function image(kind: number, index: number): Promise<Buffer> {
  const color = KINDS[kind]?.color ?? 'grey';
  const x = 10 + (index % 5) * 2;
  const y = 12 + (index % 3) * 2;
  const shapes = [
    `<circle cx="${x + 25}" cy="${y + 28}" r="24"/><circle cx="${x + 72}" cy="${y + 28}" r="20"/>`,
    `<rect x="${x}" y="${y}" width="90" height="46"/><rect x="${x + 20}" y="${y + 10}" width="30" height="20" fill="white"/>`,
    Array.from({ length: 6 }, (_, i) => `<rect x="${x + 16 * i}" y="${y}" width="8" height="52"/>`).join(''),
  ];
  const stripes = Array.from({ length: 9 }, (_, i) => `<path d="M0 ${8 * i + 6} h${WIDTH}" stroke="black"/>`);
  return png(`<g fill="${color}">${shapes[kind]}</g>${index % 2 === 1 ? stripes.join('') : ''}`);
}

function noise(seed: number): Promise<Buffer> {
  const dots = Array.from({ length: 160 }, (_, i) => {
    const at = (i * 7919 + seed * 104_729) % (WIDTH * HEIGHT);
    return `<path d="M${at % WIDTH} ${Math.floor(at / WIDTH)} l3 ${(i % 7) - 3}" stroke="black"/>`;
  });
  return png(dots.join(''));
}

function png(content: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="100%" height="100%" fill="#ccd"/>${content}</svg>`;
  return renderSvg(svg);
}
