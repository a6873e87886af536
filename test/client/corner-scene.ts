import sharp from 'sharp';

/** A camera that was used to render an image. */
export interface TrueCamera {
  name: string;
  centre: Vector;
}

type Vector = readonly [number, number, number];

const WIDTH = 480;
const HEIGHT = 360;
/** What COLMAP assumes of an unknown camera: 1.2 times the longer side. */
const FOCAL = 1.2 * WIDTH;
const TEXTURE_SIDE = 640;
/** Length of a wall, in the unit of the camera centres. */
const WALL = 5;
const VIEWS = 8;

/** Renders the corner of a room, whose floor and walls are full of texture, from cameras on an arc around it. */
export async function renderCorner(write: (name: string, png: Buffer) => void): Promise<TrueCamera[]> {
  const textures = await Promise.all([1, 2, 3].map(makeTexture));
  const cameras: TrueCamera[] = [];
  for (let view = 0; view < VIEWS; view += 1) {
    const angle = ((20 + (50 * view) / (VIEWS - 1)) * Math.PI) / 180;
    const centre: Vector = [6 * Math.cos(angle), 6 * Math.sin(angle), 2.2 + 0.15 * (view % 3)];
    const name = `view-${view}.png`;
    write(name, await render(centre, textures));
    cameras.push({ name, centre });
  }
  return cameras;
}

async function makeTexture(seed: number): Promise<Buffer> {
  let state = seed;
  const noise = Buffer.alloc(TEXTURE_SIDE ** 2);
  for (let index = 0; index < noise.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    noise[index] = state >>> 24;
  }
  const raw = { width: TEXTURE_SIDE, height: TEXTURE_SIDE, channels: 1 } as const;
  return sharp(noise, { raw }).blur(1.6).normalise().raw().toBuffer();
}

function render(centre: Vector, textures: readonly Buffer[]): Promise<Buffer> {
  const forward = unit(subtract([1, 1, 1], centre));
  const right = unit(cross(forward, [0, 0, 1]));
  const down = cross(forward, right);
  const pixels = Buffer.alloc(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const u = (x + 0.5 - WIDTH / 2) / FOCAL;
      const v = (y + 0.5 - HEIGHT / 2) / FOCAL;
      const ray = [0, 1, 2].map((axis) => at(forward, axis) + u * at(right, axis) + v * at(down, axis));
      pixels[y * WIDTH + x] = shade(centre, ray, textures);
    }
  }
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .png()
    .toBuffer();
}

/** Brightness of the nearest of the planes x = 0, y = 0 and z = 0 that the ray meets within its wall. */
function shade(centre: Vector, ray: readonly number[], textures: readonly Buffer[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  let value = 0;
  for (let axis = 0; axis < 3; axis += 1) {
    const distance = -at(centre, axis) / (ray[axis] ?? 0);
    if (!(distance > 0) || distance >= nearest) continue;
    const [first, second] = [0, 1, 2]
      .filter((other) => other !== axis)
      .map((other) => (at(centre, other) + distance * (ray[other] ?? 0)) / WALL);
    if (first === undefined || second === undefined) continue;
    if (first < 0 || first >= 1 || second < 0 || second >= 1) continue;
    nearest = distance;
    value = sample(textures[axis] ?? Buffer.alloc(0), first, second);
  }
  return value;
}

/** Bilinear. */
function sample(texture: Buffer, first: number, second: number): number {
  const x = first * (TEXTURE_SIDE - 2);
  const y = second * (TEXTURE_SIDE - 2);
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const texel = (dx: number, dy: number) => texture[(row + dy) * TEXTURE_SIDE + column + dx] ?? 0;
  const [fx, fy] = [x - column, y - row];
  const upper = texel(0, 0) * (1 - fx) + texel(1, 0) * fx;
  const lower = texel(0, 1) * (1 - fx) + texel(1, 1) * fx;
  return upper * (1 - fy) + lower * fy;
}

function at(vector: Vector, axis: number): number {
  return vector[axis] ?? 0;
}

function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(vector: Vector): Vector {
  const length = Math.hypot(...vector);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}
