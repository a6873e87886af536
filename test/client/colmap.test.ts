import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { runTool, toolMissing } from '../formats/real-tool.ts';
import { renderCorner, type TrueCamera } from './corner-scene.ts';
import { runCommandLine } from './run-command-line.ts';

const isSkipped = !IS_THOROUGH || toolMissing('a reconstruction from our database', 'colmap', 'help');

/** Lines of COLMAP's images.txt that begin an image: id, rotation (w, x, y, z), translation, camera, name. */
const IMAGE_LINE = /^\d+((?: -?[\d.e+-]+){7}) \d+ (\S+)$/;

/** Where COLMAP puts the camera: -Rᵀ t. */
function centresIn(imagesText: string): Map<string, number[]> {
  const centres = new Map<string, number[]>();
  for (const line of imagesText.split('\n')) {
    const [, numbers, name] = IMAGE_LINE.exec(line) ?? [];
    if (numbers === undefined || name === undefined) continue;
    const [w = 0, x = 0, y = 0, z = 0, ...t] = numbers.trim().split(' ').map(Number);
    const rotation = [
      [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
      [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
      [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ];
    centres.set(
      name,
      [0, 1, 2].map(
        (column) => -rotation.reduce((sum, row, index) => sum + (row[column] ?? 0) * (t[index] ?? 0), 0),
      ),
    );
  }
  return centres;
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)));
}

describe.skipIf(isSkipped)(inThorough('a COLMAP database that batch fills'), () => {
  let stack: EdgeStack;
  let folder: string;
  let cameras: TrueCamera[];
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgesift-colmap-'));
    mkdirSync(path.join(folder, 'images'));
    cameras = await renderCorner((name, png) => writeFileSync(path.join(folder, 'images', name), png));
    stack = await startEdgeStack({ runtime: 'workerd' });
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is reconstructed by COLMAP: every camera is where it was', { timeout: 300_000 }, async () => {
    const images = path.join(folder, 'images');
    const database = path.join(folder, 'database.db');
    const batch = ['batch', images, '--format', 'colmap', '--database', database, '--match', 'exhaustive'];
    const { code, stdout, stderr } = await runCommandLine(stack.url, ...batch);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^8 images: 8 computed, 0 cached, 0 failed\n28 pairs: \d+ related, 0 failed/);
    const again = await runCommandLine(stack.url, ...batch);
    expect(again.stdout).toContain('8 done earlier\n28 pairs: 0 related, 0 failed, 28 done earlier');

    const sparse = path.join(folder, 'sparse');
    mkdirSync(sparse);
    const paths = ['--database_path', database, '--image_path', images, '--output_path', sparse];
    runTool('colmap', ['mapper', ...paths, '--Mapper.num_threads', '2']);
    const model = path.join(sparse, '0');
    runTool('colmap', [
      'model_converter',
      '--input_path',
      model,
      '--output_path',
      model,
      '--output_type',
      'TXT',
    ]);
    const centres = centresIn(readFileSync(path.join(model, 'images.txt'), 'utf8'));
    expect([...centres.keys()].sort()).toEqual(cameras.map(({ name }) => name));

    // A reconstruction has no scale of its own: all distances must have the same ratio to the true ones.
    const ratios = cameras.slice(1).flatMap((camera, index) =>
      cameras.slice(0, index + 1).map((other) => {
        const [a = [], b = []] = [centres.get(camera.name), centres.get(other.name)];
        return distance(a, b) / distance(camera.centre, other.centre);
      }),
    );
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    for (const ratio of ratios) expect(Math.abs(ratio / mean - 1)).toBeLessThan(0.05);
  });
});
