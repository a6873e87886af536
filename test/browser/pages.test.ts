import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectResponseSchema } from '../../shared/contract/responses.ts';
import { openPage, startBrowser } from '../fixtures/browser.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

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

test.runIf(IS_THOROUGH)(inThorough('Redoc shows the reference'), async () => {
  const { page, faults } = await openPage(browser, `${stack.url}/redoc`);
  await page.getByRole('heading', { name: 'SIFT features of an image' }).waitFor();
  expect(await page.getByText('contrast_threshold').count()).toBeGreaterThan(0);
  expect(faults).toEqual([]);
  await page.close();
});
