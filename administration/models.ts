/** `npm run models -- list | show | add | promote | rollback`: which vehicle models there are, and which serves. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadClassifier, ModelError } from '../origin/vehicles/classifier.ts';
import {
  ALIASES,
  promoted,
  type Registry,
  readRegistry,
  registered,
  rolledBack,
  writeRegistry,
} from '../origin/vehicles/registry.ts';
import { print, readCommandLine, runTool, UsageError } from './command-line.ts';

const USAGE = `usage: npm run models -- list
       npm run models -- show <version | champion | challenger>
       npm run models -- add <folder below models/vehicles>
       npm run models -- promote <version> [--to champion | challenger]
       npm run models -- rollback
options: --models FOLDER (models/vehicles)`;
const MODEL_FILE = 'model.safetensors';

await runTool(async () => {
  const { action, operand, options } = readCommandLine(USAGE, ['to', 'models']);
  const folder = options.models ?? 'models/vehicles';
  try {
    if (action === 'list' && operand === undefined) return await list(folder);
    if (action === 'show' && operand !== undefined) return await show(folder, operand);
    if (action === 'add' && operand !== undefined) return await add(folder, operand);
    if (action === 'promote' && operand !== undefined) return await promote(folder, operand, options.to);
    if (action === 'rollback' && operand === undefined) return await rollback(folder);
  } catch (error) {
    throw error instanceof ModelError ? new UsageError(error.message) : error;
  }
  throw new UsageError(USAGE);
});

async function list(folder: string): Promise<void> {
  const registry = await readRegistry(folder);
  for (const { version, bytes, sha256 } of registry.models) {
    const aliases = ALIASES.filter((alias) => registry.aliases[alias] === version).join(', ');
    print(`${version}\t${(bytes / 1e6).toFixed(2)} MB\t${sha256.slice(0, 12)}\t${aliases}`);
  }
}

async function show(folder: string, name: string): Promise<void> {
  const entry = registered(await readRegistry(folder), name);
  const { metadata, sha256 } = await loadClassifier(path.join(folder, entry.file));
  if (sha256 !== entry.sha256) print(`! the file is not the registered one: its SHA-256 is ${sha256}`);
  print(
    `${metadata.name} ${metadata.version}, trained ${metadata.trained_at} on ${metadata.trained_on}`,
    `file ${entry.file}, ${entry.bytes} bytes, SHA-256 ${entry.sha256}, card ${entry.card}`,
    ...Object.entries(metadata.attributes).map(
      ([attribute, { labels, metrics }]) =>
        `${attribute}: ${labels.length} labels, top-1 ${percent(metrics.top1)}, top-5 ${percent(metrics.top5)}, ECE ${percent(metrics.ece)}`,
    ),
  );
}

/** Takes a trained model into the registry; the first one becomes the champion. */
async function add(folder: string, name: string): Promise<void> {
  const file = path.posix.join(path.basename(name), MODEL_FILE);
  const { metadata, sha256, bytes } = await loadClassifier(path.join(folder, file));
  const { version } = metadata;
  const known = existsSync(path.join(folder, 'registry.json'));
  const registry: Registry = known ? await readRegistry(folder) : { models: [], aliases: {}, history: [] };
  const entry = { version, file, sha256, bytes, card: path.posix.join(path.basename(name), metadata.card) };
  const models = [...registry.models.filter((model) => model.version !== version), entry];
  const added = { ...registry, models };
  const first = registry.aliases.champion === undefined;
  await writeRegistry(folder, first ? promoted(added, version, 'champion') : added);
  print(`added ${version}${first ? ', which serves now' : ''}`);
}

async function promote(folder: string, version: string, to = 'champion'): Promise<void> {
  const alias = ALIASES.find((known) => known === to);
  if (alias === undefined) throw new UsageError(USAGE);
  const registry = await readRegistry(folder);
  await loadClassifier(path.join(folder, registered(registry, version).file));
  await writeRegistry(folder, promoted(registry, version, alias));
  print(`${version} is the ${alias}`);
}

async function rollback(folder: string): Promise<void> {
  const registry = rolledBack(await readRegistry(folder));
  await writeRegistry(folder, registry);
  print(`${registry.aliases.champion} is the champion again`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
