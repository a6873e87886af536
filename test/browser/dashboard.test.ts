import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectParametersSchema } from '../../shared/contract/parameters.ts';
import { openPage, startBrowser } from '../fixtures/browser.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { createKey } from '../fixtures/tool.ts';

const image = (name: string) => fileURLToPath(new URL(`../images/${name}`, import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MANY = IS_THOROUGH ? 1_000 : 200;
const BROKEN = { name: 'text.png', mimeType: 'image/png', buffer: Buffer.from('this is no image') };

/** Of the browser: Node.js has no such type. */
interface Canvas {
  toDataURL(): string;
}

let stack: EdgeStack;
let browser: Browser;
let adminKey: string;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startEdgeStack({ runtime: 'workerd' }), startBrowser()]);
  adminKey = await createKey(stack.redisEnvironment, 'admin');
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

/** Opens a view, with the administrator's key where it is needed. */
async function openView(
  address: string,
  { withKey = false } = {},
): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, `${stack.url}/#/${address}`);
  if (!withKey) return opened;
  await opened.page.evaluate(`sessionStorage.setItem('edgesift-api-key', ${JSON.stringify(adminKey)})`);
  await opened.page.reload();
  return opened;
}

/** Views that axe-core has looked at, and what it found fault with. */
const accessibility = { views: 0, faults: new Set<string>() };

/** In thorough runs axe-core looks at what the page shows now, in both themes; the last test tells what it found. */
async function checkAccessibility(page: Page): Promise<void> {
  if (!IS_THOROUGH) return;
  accessibility.views += 1;
  await page.evaluate(AXE);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const found: string[] = await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ' at ' + nodes[0].target))",
    );
    for (const fault of found) accessibility.faults.add(`${page.url()}, ${colorScheme}: ${fault}`);
  }
}

function chooseFiles(page: Page, files: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0]) {
  return page.locator('input[type=file]').first().setInputFiles(files);
}

test('Image: keypoints on a canvas, times, parameters with the ranges of the contract, a download', async () => {
  const { page, faults } = await openView('image');
  await page.getByText(/^healthy, version/).waitFor();
  await chooseFiles(page, image('png-rgb.png'));
  await page.getByRole('img', { name: /Image with \d+ keypoints/ }).waitFor();
  await page.waitForFunction(`{
    const canvas = document.querySelector('canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const isGreen = (at) => pixels[at + 1] - Math.max(pixels[at], pixels[at + 2]) > 40;
    Array.from({ length: pixels.length / 4 }, (_, pixel) => isGreen(4 * pixel)).some(Boolean);
  }`);
  await page.getByRole('rowheader', { name: 'Extract features' }).waitFor();
  await page.getByRole('tab', { name: 'Python' }).click();
  expect(await page.getByRole('region', { name: 'Call in Python' }).textContent()).toContain(
    'client.features("png-rgb.png")',
  );

  const sigma = page.getByLabel('sigma');
  const range = [await sigma.getAttribute('min'), await sigma.getAttribute('max')];
  expect(
    [0.4, 0.5, 10, 11].map((value) => detectParametersSchema.safeParse({ sigma: value }).success),
  ).toEqual([false, true, true, false]);
  expect(range).toEqual(['0.5', '10']);

  for (const [label, name, beginning] of [
    ['safetensors', 'png-rgb.safetensors', /^.\0{7}\{|^..\0{6}\{/s],
    ['NumPy (npz)', 'png-rgb.npz', /^PK/],
    ['JSON', 'png-rgb.json', /^\{"success":true,.*"descriptors":\[\[/],
    ['COLMAP', 'png-rgb.txt', /^\d+ 128\n/],
    ['Lowe’s key', 'png-rgb.key', /^\d+ 128\n/],
  ] as const) {
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: label, exact: true }).click();
    const saved = await saving;
    expect(saved.suggestedFilename()).toBe(name);
    expect(readFileSync(await saved.path(), 'latin1'), name).toMatch(beginning);
  }
  await checkAccessibility(page);
  expect(faults).toEqual([]);

  await page.getByLabel('nfeatures').fill('5');
  await page.getByLabel('contrast_threshold').fill('1e-5');
  await page.getByRole('button', { name: 'Extract', exact: true }).click();
  const canvas = page.getByRole('img', { name: /Image with 5 keypoints/ });
  await canvas.waitFor();
  await page.getByRole('tab', { name: 'TypeScript' }).click();
  expect(await page.getByRole('region', { name: 'Call in TypeScript' }).textContent()).toContain(
    "client.detect(image, { include: 'keypoints', nfeatures: 5, contrast_threshold: 0.00001 })",
  );
  await page.getByRole('tab', { name: 'curl' }).click();
  const curl = (await page.getByRole('region', { name: 'Call in curl' }).textContent()) ?? '';
  const folder = path.dirname(image('png-rgb.png'));
  const { stdout } = await promisify(execFile)('sh', ['-c', `${curl} -sS`], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    cached: true,
    keypoints: 5,
    x: Array(5).fill(expect.any(Number)),
  });

  await page.getByLabel('Strongest').fill('2');
  await page.getByText('2 of 5').waitFor();
  await page.getByLabel('Response').fill('0');
  await page.getByText('5 of 5').waitFor();
  const drawn = () => canvas.evaluate((element) => (element as unknown as Canvas).toDataURL());
  const before = await drawn();
  await canvas.focus();
  await page.keyboard.press('+');
  await expect.poll(drawn, { timeout: 20_000 }).not.toBe(before);
  await page.keyboard.press('0');
  await expect.poll(drawn, { timeout: 20_000 }).toBe(before);
  const { x, y } = JSON.parse(stdout);
  const box = await canvas.boundingBox();
  if (!box) throw new Error('the canvas is not visible');
  const { width, height } = await sharp(image('png-rgb.png')).metadata();
  const scale = Math.min(box.width / width, box.height / height);
  const onScreen = (value: number, extent: number, whole: number) =>
    (whole - extent * scale) / 2 + (value + 0.5) * scale;
  await canvas.hover({
    position: { x: onScreen(x[0], width, box.width), y: onScreen(y[0], height, box.height) },
  });
  await page.getByText(`x ${x[0].toFixed(1)}, y ${y[0].toFixed(1)}`).waitFor();

  await chooseFiles(page, BROKEN);
  await page.getByText('INVALID_IMAGE').waitFor();
  await page.close();
});

test('Images: many at once, sorted, retried, as CSV and ZIP; one that fails stops no other', async () => {
  const { page } = await openView('images');
  const content = readFileSync(image('png-rgb.png'));
  const copies = Array.from({ length: MANY }, (_, index) => ({
    name: `copy-${index}.png`,
    mimeType: 'image/png',
    buffer: content,
  }));
  await chooseFiles(page, [BROKEN, ...copies.slice(0, 40)]);
  await page.getByText('41 of 41 images').first().waitFor();
  await page.getByText('1 failed').first().waitFor();
  await page.getByRole('button', { name: 'Keypoints' }).click();
  await page.getByRole('button', { name: 'State' }).click();
  const firstRow = page.locator('tbody tr:not(.spacer)').first();
  await expect.poll(() => firstRow.textContent(), { timeout: 20_000 }).toContain('text.png');
  await checkAccessibility(page);

  const csv = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const lines = readFileSync(await (await csv).path(), 'utf8')
    .trim()
    .split('\r\n');
  expect(lines).toHaveLength(42);
  expect(lines.filter((line) => line.includes('INVALID_IMAGE'))).toHaveLength(1);
  const zip = page.waitForEvent('download');
  await page.getByRole('button', { name: 'ZIP of features' }).click();
  const files = unzipSync(readFileSync(await (await zip).path()));
  expect(Object.keys(files)).toHaveLength(41);
  expect(files['copy-0.png.safetensors']?.length).toBeGreaterThan(1000);

  await page.getByRole('button', { name: 'Retry failures' }).click();
  await page.getByText('1 failed').first().waitFor();
  await chooseFiles(page, copies);
  await page
    .getByText(`${(41 + MANY).toLocaleString('en')} images`)
    .first()
    .waitFor();
  // Only the rows in sight are made.
  expect(await page.locator('tbody tr:not(.spacer)').count()).toBeLessThan(100);
  await page.close();
});

test('Match: two images, their lines, the homography in numbers and as an overlay', async () => {
  const { page, faults } = await openView('match');
  await page.getByRole('button', { name: 'Use an example' }).click();
  await page.getByRole('heading', { name: 'Homography, first image to second' }).waitFor();
  const inliers = page.getByLabel(/^Inliers/);
  await inliers.uncheck();
  await inliers.check();
  await page.getByText('Overlay: the first image').click();
  await page.getByLabel('Difference').check();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as PNG' }).click();
  expect((await saved).suggestedFilename()).toBe('matches.png');
  // The example is the same scene at 0.72 of the size, turned by 18 degrees less 1.4 by its shear.
  await page.getByText(/^16\.\d°$/).waitFor();
  await page.getByText(/^× 0\.7\d$/).waitFor();
  await checkAccessibility(page);
  expect(faults).toEqual([]);
  await page.close();
});

test('Vehicle: predictions with alternatives, what decided, and a report; says where no model is served', async () => {
  const { page, faults } = await openView('vehicle');
  await page.getByRole('heading', { name: 'Model' }).waitFor();
  await chooseFiles(page, image('jpeg-420.jpg'));
  await page.getByRole('heading', { name: 'Predictions' }).waitFor();
  await page.getByRole('button', { name: 'Write a report' }).click();
  await page.getByRole('link', { name: 'Open as a page' }).waitFor();
  await checkAccessibility(page);
  expect(faults).toEqual([]);
  await page.close();

  const other = await openView('image');
  await other.page.route('**/api/models/metadata', (route) =>
    route.fulfill({
      json: {
        status: 'success',
        data: { pipeline_initialized: false, reason: 'No model is installed.', models: [] },
      },
    }),
  );
  await other.page.goto(`${stack.url}/#/vehicle`);
  await other.page.getByText('No vehicle model is served').waitFor();
  await other.page.getByText('No model is installed.').waitFor();
  await other.page.close();
});

test('Cache: asks for a key, lists by pattern, inspects, and deletes after a question', async () => {
  const { page, faults } = await openView('cache');
  await page.getByText('For administrators', { exact: true }).waitFor();
  await checkAccessibility(page);
  await page.getByRole('button', { name: 'Enter an API key' }).click();
  await page.getByLabel('Key', { exact: true }).fill(adminKey);
  await page.getByRole('button', { name: 'Use key' }).click();
  const inspect = page.getByRole('button', { name: 'Inspect' });
  await inspect.first().click();
  await page.getByRole('rowheader', { name: 'summary' }).waitFor();
  await checkAccessibility(page);

  const before = await inspect.count();
  await page
    .getByRole('checkbox', { name: /^Select [0-9a-f]{12}$/ })
    .first()
    .check();
  await page.getByRole('button', { name: 'Delete 1 result' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText(before === 2 ? '1 result' : `${before - 1} results`, { exact: true }).waitFor();
  await page.getByLabel(/^Pattern/).fill('nothing*');
  await page.getByRole('button', { name: 'List' }).click();
  await page.getByText('The cache holds nothing of this kind').waitFor();
  expect(page.url()).toContain('#/cache?pattern=nothing*');
  expect(faults).toEqual([]);
  await page.close();
});

test('Live: statistics for all, the latest requests for administrators, filtered by address', async () => {
  const { page, faults } = await openView('live');
  await page.getByRole('img', { name: /requests in the last hour/ }).waitFor();
  await page.getByText('For administrators', { exact: true }).waitFor();
  await checkAccessibility(page);
  expect(faults).toEqual([]);
  await page.close();

  const admin = await openView('live?status=400', { withKey: true });
  await admin.page.locator('.requests').getByText('INVALID_IMAGE').first().waitFor();
  await admin.page.getByLabel('Status').fill('2xx');
  await admin.page.getByRole('button', { name: 'Filter' }).click();
  await admin.page.locator('.requests').getByText('200', { exact: true }).first().waitFor();
  expect(await admin.page.locator('.requests').getByText('INVALID_IMAGE').count()).toBe(0);
  await checkAccessibility(admin.page);
  expect(admin.faults).toEqual([]);
  await admin.page.close();
});

test('every view says what went wrong, and tries again when it is asked to', async () => {
  const message = 'Something inside the service failed.';
  const json = {
    success: false,
    error_code: 'INTERNAL_SERVER_ERROR',
    message,
    details: {},
    request_id: 'r-1',
  };
  const { page } = await openView('vehicle', { withKey: true });
  const views: [name: string, act: () => Promise<void>, recovered: RegExp][] = [
    ['Vehicle', async () => undefined, /No image yet/],
    ['Image', () => chooseFiles(page, image('png-rgb.png')), /The same by program/],
    ['Match', () => chooseFiles(page, Array(2).fill(image('png-rgb.png'))), /Homography, first image/],
    ['Cache', async () => undefined, /\d results?|The cache holds nothing/],
    ['Live', async () => undefined, /Requests, minute by minute/],
  ];
  for (const [name, act, recovered] of views) {
    await page.route('**/api/**', (route) => route.fulfill({ status: 500, json }));
    if (name === 'Vehicle') await page.reload();
    await page.getByRole('link', { name, exact: true }).click();
    await act();
    const alert = page.getByRole('alert').first();
    await alert.getByText(message).waitFor();
    await alert.getByText('INTERNAL_SERVER_ERROR').waitFor();
    await page.unroute('**/api/**');
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByText(recovered).first().waitFor();
  }
  await page.close();
});

test('the API key is kept for the session of the tab alone, and can be forgotten', async () => {
  // Two tabs that share what the browser itself keeps.
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(stack.url);
  await page.getByRole('button', { name: 'API key', exact: true }).click();
  await page.getByLabel('Key', { exact: true }).fill(adminKey);
  await page.keyboard.press('Enter');
  const isSet = page.getByRole('button', { name: 'API key set' });
  await isSet.waitFor();
  expect(await page.evaluate('JSON.stringify([localStorage, document.cookie])')).not.toContain(adminKey);
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByRole('button', { name: 'API key', exact: true }).waitFor();
  await other.close();

  await page.reload();
  await isSet.click();
  await page.getByRole('button', { name: 'Forget key' }).click();
  await page.getByRole('button', { name: 'API key', exact: true }).waitFor();
  await context.close();
});

test('every view fits a telephone, and the theme is a choice that stays', async () => {
  const { page, faults } = await openView('image');
  await page.setViewportSize({ width: 360, height: 740 });
  for (const name of ['Image', 'Images', 'Match', 'Vehicle', 'Cache', 'Live']) {
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  }
  await page.getByLabel('Theme').selectOption('dark');
  const background = 'getComputedStyle(document.body).backgroundColor';
  const dark = await page.evaluate(background);
  await page.reload();
  await page.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
  expect(await page.evaluate(background)).toBe(dark);
  await page.getByLabel('Theme').selectOption('light');
  expect(await page.evaluate(background)).not.toBe(dark);
  expect(faults).toEqual([]);
  await page.close();
});

test.runIf(IS_THOROUGH)(inThorough('axe-core finds no fault with any view, in either theme'), () => {
  expect([...accessibility.faults]).toEqual([]);
  expect(accessibility.views).toBeGreaterThanOrEqual(8);
});
