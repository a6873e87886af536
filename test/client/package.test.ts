import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPackage } from '../../client/packaging/build-package.ts';
import manifest from '../../package.json' with { type: 'json' };

const run = promisify(execFile);
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

let folder: string;
let project: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-package-'));
  project = path.join(folder, 'project');
  mkdirSync(project);
  await buildPackage(path.join(folder, 'dist'));
  await run('npm', ['pack', path.join(folder, 'dist'), '--silent'], { cwd: folder });
  writeFileSync(path.join(project, 'package.json'), '{"type":"module","private":true}');
  // No network, no cache of earlier installs: the package needs nothing else.
  const tarball = path.join(folder, `edgesift-${manifest.version}.tgz`);
  const flags = ['--offline', '--no-audit', '--no-fund', `--cache=${path.join(folder, 'npm-cache')}`];
  await run('npm', ['install', tarball, ...flags], { cwd: project });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the installed library finds an image that the service knows, without sending it', async () => {
  const script = `
    import { EdgesiftClient, EdgesiftError } from 'edgesift';
    const paths = [];
    const fetch = async (url, { method }) => {
      paths.push(method);
      return Response.json({ keypoints: 7 });
    };
    const client = new EdgesiftClient({ url: 'http://service.test', fetch });
    const { keypoints } = await client.detect(new Uint8Array(3));
    console.log(JSON.stringify({ keypoints, paths, isClass: new EdgesiftError('NOT_FOUND', 'x') instanceof Error }));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: project });
  expect(JSON.parse(stdout)).toEqual({ keypoints: 7, paths: ['GET'], isClass: true });
});

test('the installed command line runs, and knows its version', async () => {
  const command = path.join(project, 'node_modules', '.bin', 'edgesift');
  expect((await run(command, ['--version'])).stdout).toBe(`${manifest.version}\n`);
  expect((await run(command, ['batch', '--help'])).stdout).toContain('--retry-failed');
});

test('the installed types need no other package, and know parameters and responses', async () => {
  writeFileSync(
    path.join(project, 'use.ts'),
    `import { EdgesiftClient, EdgesiftError, type ErrorCode } from 'edgesift';
const client = new EdgesiftClient({ url: 'http://service.test' });
const summary = await client.detect(new Uint8Array(1), { nfeatures: 5 });
const keypoints: number = summary.keypoints;
const complete = await client.detect(new Uint8Array(1), { include: 'all' });
const row: number[] | undefined = complete.descriptors[0];
const { pairs } = await client.match('a', 'b', { model: 'fundamental' });
const inliers: boolean[] | undefined = pairs?.inlier;
const code: ErrorCode = 'RATE_LIMITED';
// @ts-expect-error: the summary has no columns
summary.x;
// @ts-expect-error: there is no such parameter
await client.detect(new Uint8Array(1), { nfeature: 5 });
export { code, EdgesiftError, inliers, keypoints, row };
`,
  );
  const flags =
    '--noEmit --strict --target es2022 --module nodenext --lib esnext,dom,dom.asynciterable --types';
  const check = run(process.execPath, [TSC, ...flags.split(' '), '', 'use.ts'], { cwd: project });
  await expect(check.catch(({ stdout }) => stdout)).resolves.toMatchObject({ stdout: '' });
});
