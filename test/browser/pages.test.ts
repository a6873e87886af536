import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectResponseSchema } from '../../shared/contract/responses.ts';
import { openPage, startBrowser } from '../fixtures/browser.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';

const IMAGE = fileURLToPath(new URL('../images/png-rgb.png', import.meta.url));

let stack: EdgeStack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startEdgeStack({ runtime: 'workerd' }), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

test('Swagger UI shows every operation, and "Try it out" sends a file and shows the response', async () => {
  const { page, faults } = await openPage(browser, `${stack.url}/docs`);
  await page.getByText('/api/v1/features/detect').click();
  const operation = page.locator('#operations-features-detect');
  await operation.locator('input[type=file]').setInputFiles(IMAGE);
  await operation.getByRole('button', { name: 'Execute' }).click();
  const live = operation.locator('.live-responses-table');
  await live.waitFor();
  expect(await live.locator('tbody .response-col_status').first().textContent()).toContain('200');
  const body = await live.locator('tbody .response-col_description code').first().textContent();
  expect(detectResponseSchema.parse(JSON.parse(body ?? '')).image.format).toBe('png');
  expect(faults).toEqual([]);
  await page.close();
});

test('Redoc shows the reference', async () => {
  const { page, faults } = await openPage(browser, `${stack.url}/redoc`);
  await page.getByRole('heading', { name: 'SIFT features of an image' }).waitFor();
  expect(await page.getByText('contrast_threshold').count()).toBeGreaterThan(0);
  expect(faults).toEqual([]);
  await page.close();
});

test('the dashboard says how the service is, and draws the keypoints of an image', async () => {
  const { page, faults } = await openPage(browser, stack.url);
  await page.getByText(/^healthy, version/).waitFor();
  await page.locator('#image').setInputFiles(IMAGE);
  await page.getByText(/\d+ keypoints, (computed|from memory|from redis) in/).waitFor();
  await page.waitForFunction(`{
    const canvas = document.querySelector('canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const isGreen = (at) => pixels[at + 1] - Math.max(pixels[at], pixels[at + 2]) > 40;
    Array.from({ length: pixels.length / 4 }, (_, pixel) => isGreen(4 * pixel)).some(Boolean);
  }`);
  await page.getByText('POST /api/v1/features/detect').waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test('the dashboard says what is wrong with a file', async () => {
  const { page } = await openPage(browser, stack.url);
  await page.locator('#image').setInputFiles({
    name: 'text.png',
    mimeType: 'image/png',
    buffer: Buffer.from('this is no image'),
  });
  await page.getByText('INVALID_IMAGE').waitFor();
  await page.close();
});
