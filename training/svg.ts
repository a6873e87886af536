import sharp from 'sharp';

/** What sharp reads SVG with: decoding the images of others has it blocked. */
const READERS = ['VipsForeignLoadSvgBuffer'];

/** A drawing of our own as PNG. */
export async function renderSvg(svg: string): Promise<Buffer> {
  sharp.unblock({ operation: READERS });
  try {
    return await sharp(Buffer.from(svg)).removeAlpha().png({ palette: true }).toBuffer();
  } finally {
    sharp.block({ operation: READERS });
  }
}
