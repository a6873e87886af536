import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { ModelError } from './model-error.ts';

/** `champion` serves; `challenger`, where there is one, may run in its shadow. */
export const ALIASES = ['champion', 'challenger'] as const;
export type Alias = (typeof ALIASES)[number];

const versionSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a version is letters, digits, . _ -');
const entrySchema = z.object({
  version: versionSchema,
  /** Below the registry's folder. */
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*$/, 'FOLDER/FILE'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  card: z.string(),
});
export type RegisteredModel = z.infer<typeof entrySchema>;

const registrySchema = z.object({
  models: z.array(entrySchema),
  aliases: z.object({ champion: versionSchema.optional(), challenger: versionSchema.optional() }),
  /** Earlier champions, the latest last. */
  history: z.array(versionSchema),
});
export type Registry = z.infer<typeof registrySchema>;

const REGISTRY_FILE = 'registry.json';

/** @throws ModelError where there is no registry, or a damaged one */
export async function readRegistry(folder: string): Promise<Registry> {
  const file = path.join(folder, REGISTRY_FILE);
  try {
    return registrySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new ModelError(`${file}: ${reason}`, { cause });
  }
}

export async function writeRegistry(folder: string, registry: Registry): Promise<void> {
  const file = path.join(folder, REGISTRY_FILE);
  await writeFile(`${file}.part`, `${JSON.stringify(registrySchema.parse(registry), null, 2)}\n`);
  await rename(`${file}.part`, file);
}

/**
 * The model behind an alias or a version.
 *
 * @throws ModelError where there is none
 */
export function registered(registry: Registry, name: string): RegisteredModel {
  const alias = ALIASES.find((known) => known === name);
  const version = alias === undefined ? name : registry.aliases[alias];
  const model = registry.models.find((entry) => entry.version === version);
  if (model === undefined) throw new ModelError(`there is no model ${name}`);
  return model;
}

/** With the model as an alias; an earlier champion stays in the history. */
export function promoted(registry: Registry, version: string, alias: Alias): Registry {
  registered(registry, version);
  const { champion, challenger } = registry.aliases;
  if (alias === 'challenger') return { ...registry, aliases: { ...registry.aliases, challenger: version } };
  if (champion === version) return registry;
  return {
    ...registry,
    aliases: { champion: version, ...(challenger !== version && challenger !== undefined && { challenger }) },
    history: champion === undefined ? registry.history : [...registry.history, champion],
  };
}

/**
 * With the champion before the present one.
 *
 * @throws ModelError where there was none
 */
export function rolledBack(registry: Registry): Registry {
  const before = registry.history.at(-1);
  if (before === undefined) throw new ModelError('there was no champion before');
  registered(registry, before);
  return {
    ...registry,
    aliases: { ...registry.aliases, champion: before },
    history: registry.history.slice(0, -1),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
