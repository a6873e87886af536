import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import * as z from 'zod';
import { openApiDocument } from '../../edge/openapi/document.ts';
import { detectParametersSchema, matchParametersSchema } from '../../shared/contract/parameters.ts';
import { fromRoot } from '../project-root.ts';
import { ASSETS_DIRECTORY } from './assets-directory.ts';
import { replaceFile } from './replace-file.ts';

/** By the name of the file that is served. */
const SCRIPTS = {
  dashboard: 'dashboard.ts',
  'dashboard-hash-worker': 'dashboard/images/hash-worker.ts',
  docs: 'docs.ts',
  redoc: 'redoc.ts',
};

/** As they are. */
const FILES = [
  ...['dashboard.html', 'dashboard.css', 'docs.html', 'redoc.html', 'redoc.css', 'icon.svg'].map((name) =>
    fromRoot('pages', name),
  ),
  ...['swagger-ui-bundle.js', 'swagger-ui.css'].map((name) =>
    fromRoot('node_modules', 'swagger-ui-dist', name),
  ),
];

const REDOC = fromRoot('node_modules', 'redoc', 'bundles', 'redoc.standalone.js');
/** Redoc would load its maker's logo from outside. */
const REDOC_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';
const NO_IMAGE = 'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E';

/** Puts all that the pages are made of into `build/assets`: what a platform serves beside the Worker. */
export async function buildPages(): Promise<void> {
  const copies = FILES.map(async (file) => put(path.basename(file), await readFile(file)));
  const document = put('openapi.json', Buffer.from(`${JSON.stringify(openApiDocument(), null, 1)}\n`));
  await Promise.all([...copies, document, copyRedoc(), buildScripts()]);
}

async function copyRedoc(): Promise<void> {
  const script = await readFile(REDOC, 'utf8');
  if (!script.includes(REDOC_LOGO)) throw new Error('Redoc has its logo elsewhere now: look for it');
  await put(path.basename(REDOC), Buffer.from(script.replaceAll(REDOC_LOGO, NO_IMAGE)));
}

async function buildScripts(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: Object.entries(SCRIPTS).map(([out, file]) => ({ in: fromRoot('pages', file), out })),
    outdir: ASSETS_DIRECTORY,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    define: { PARAMETER_SCHEMAS: JSON.stringify(parameterSchemas()) },
    write: false,
    logLevel: 'warning',
  });
  await Promise.all(outputFiles.map(({ path: file, contents }) => replaceFile(file, contents)));
}

/** What the forms of the dashboard are made from: names, ranges, defaults and descriptions. */
function parameterSchemas() {
  const propertiesOf = (schema: z.ZodObject) => z.toJSONSchema(schema, { io: 'input' }).properties;
  return { detect: propertiesOf(detectParametersSchema), match: propertiesOf(matchParametersSchema) };
}

function put(name: string, content: Uint8Array): Promise<void> {
  return replaceFile(path.join(ASSETS_DIRECTORY, name), content);
}
