const [WIDTH, HEIGHT] = [960, 640];

/** A drawn town with many corners and blobs: an image for users without one at hand. */
export function exampleImage(): Promise<File> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  drawTown(contextOf(canvas));
  return fileOf(canvas, 'example.png');
}

/** The same town from elsewhere: turned, smaller and moved. */
export function secondExampleImage(): Promise<File> {
  const town = new OffscreenCanvas(WIDTH, HEIGHT);
  drawTown(contextOf(town));
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = contextOf(canvas);
  context.fillStyle = '#8fa3ad';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.translate(WIDTH / 2, HEIGHT / 2);
  context.rotate(Math.PI / 10);
  context.scale(0.72, 0.72);
  context.transform(1, 0.05, 0.1, 1, 40, -20);
  context.drawImage(town, -WIDTH / 2, -HEIGHT / 2);
  return fileOf(canvas, 'example-turned.png');
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw.');
  return context;
}

async function fileOf(canvas: OffscreenCanvas, name: string): Promise<File> {
  return new File([await canvas.convertToBlob({ type: 'image/png' })], name, { type: 'image/png' });
}

/** Numbers in [0, 1), the same on every visit (a linear congruential generator; Numerical Recipes, 1992). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function drawTown(context: OffscreenCanvasRenderingContext2D): void {
  const random = createRandom(7);
  const sky = context.createLinearGradient(0, 0, 0, HEIGHT);
  sky.addColorStop(0, '#7fb2d6');
  sky.addColorStop(1, '#f3d9b8');
  context.fillStyle = sky;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = '#fff3c9';
  context.beginPath();
  context.arc(770, 120, 46, 0, 2 * Math.PI);
  context.fill();
  for (const [base, shade, tallest] of [
    [430, 64, 230],
    [520, 48, 260],
    [640, 34, 280],
  ] as const) {
    drawRow(context, random, { base, shade, tallest });
  }
}

function drawRow(
  context: OffscreenCanvasRenderingContext2D,
  random: () => number,
  { base, shade, tallest }: { base: number; shade: number; tallest: number },
): void {
  for (let left = -20; left < WIDTH; ) {
    const width = 44 + 70 * random();
    const height = tallest * (0.4 + 0.6 * random());
    const hue = 15 + 40 * random() + (random() < 0.3 ? 170 : 0);
    context.fillStyle = `hsl(${hue} 28% ${shade}%)`;
    context.fillRect(left, base - height, width, height + HEIGHT);
    drawWindows(context, random, { left, top: base - height, width, height, shade });
    left += width + 6 * random();
  }
}

function drawWindows(
  context: OffscreenCanvasRenderingContext2D,
  random: () => number,
  {
    left,
    top,
    width,
    height,
    shade,
  }: { left: number; top: number; width: number; height: number; shade: number },
): void {
  const [stepX, stepY] = [14 + 6 * random(), 18 + 8 * random()];
  for (let y = top + 10; y < top + height; y += stepY) {
    for (let x = left + 7; x < left + width - 10; x += stepX) {
      const isLit = random() < 0.35;
      context.fillStyle = isLit ? `hsl(48 90% ${66 + 18 * random()}%)` : `hsl(210 25% ${shade - 18}%)`;
      context.fillRect(Math.round(x), Math.round(y), 6 + 2 * random(), 8 + 3 * random());
    }
  }
}
