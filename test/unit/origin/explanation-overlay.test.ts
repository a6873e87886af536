import sharp from 'sharp';
import { expect, test } from 'vitest';
import { overlayOf } from '../../../origin/jobs/explanation-overlay.ts';

const draw = async (values: number[]) => {
  const box = { x: 5, y: 5, width: 400, height: 100 };
  const overlay = await overlayOf({ columns: values.length, rows: 1, values }, box);
  const { data, info } = await sharp(Buffer.from(overlay.base64, 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: overlay.width, height: overlay.height, channels: 4 });
  const at = (x: number) => {
    const start = 4 * (Math.floor(info.height / 2) * info.width + x);
    const [red = 0, green = 0, blue = 0, opacity = 0] = data.subarray(start, start + 4);
    return { red, green, blue, opacity };
  };
  return { overlay, at };
};

test('has the proportions of the box', async () => {
  const { overlay } = await draw([1, 0]);
  expect(overlay).toMatchObject({ media_type: 'image/png', width: 160, height: 40 });
});

test('what spoke for the class is blue, what spoke against it orange, the rest transparent', async () => {
  const { at } = await draw([1, 0, 0, -0.5]);
  const [left, middle, right] = [at(2), at(80), at(157)];
  expect(left.blue).toBeGreaterThan(left.red);
  expect(right.red).toBeGreaterThan(right.blue);
  expect(middle.opacity).toBeLessThan(20);
  expect(left.opacity).toBeGreaterThan(right.opacity);
  expect(right.opacity).toBeGreaterThan(middle.opacity);
});

test('an explanation that says nothing is transparent', async () => {
  expect((await draw([0, 0])).at(80).opacity).toBe(0);
});
