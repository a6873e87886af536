import sharp from 'sharp';
import type { VehicleBox, VehicleExplanation } from '../../shared/contract/vehicles.ts';

/** Longest side, in pixels: cells are coarse, and the image is stretched over the box. */
const LONGEST = 160;
/** Of the cell with the most to say; the image below stays visible. */
const GREATEST_OPACITY = 0.65;
/** Red, green, blue. People with colour blindness can distinguish the two. */
const FOR = [0, 114, 178];
const AGAINST = [230, 97, 0];

/**
 * Draws the cells of an explanation as a heat map: blue spoke for the class, orange against it, what is transparent had
 * nothing to say.
 *
 * @param box what the map is to be laid over
 * @returns a PNG of the proportions of the box, with transparency
 */
export async function overlayOf(
  { columns, rows, values }: Pick<VehicleExplanation, 'columns' | 'rows' | 'values'>,
  box: VehicleBox,
): Promise<NonNullable<VehicleExplanation['overlay']>> {
  const scale = LONGEST / Math.max(box.width, box.height);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const cells = cellColours(values);
  // libvips weighs colours by their opacity as it resizes: transparent cells lend none of theirs to their neighbours.
  const { data } = await sharp(cells, { raw: { width: columns, height: rows, channels: 4 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .png({ compressionLevel: 9 })
    .toBuffer({ resolveWithObject: true });
  return { media_type: 'image/png', width, height, base64: data.toString('base64') };
}

/** Red, green, blue, opacity of each cell. */
function cellColours(values: readonly number[]): Uint8Array {
  const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const cells = new Uint8Array(4 * values.length);
  for (const [at, value] of values.entries()) {
    const share = greatest === 0 ? 0 : Math.abs(value) / greatest;
    cells.set(value > 0 ? FOR : AGAINST, 4 * at);
    cells[4 * at + 3] = Math.round(255 * GREATEST_OPACITY * share);
  }
  return cells;
}
