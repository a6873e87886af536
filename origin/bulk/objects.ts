import type * as z from 'zod';
import { parseJson } from '../../shared/features/safetensors.ts';
import type { ObjectLocation } from '../storage/location.ts';
import { StorageError } from '../storage/storage.ts';
import type { Stores } from '../storage/stores.ts';

/** Of our own files; the largest are requests with many images and shards. */
const MAX_BYTES = 64 * 1024 * 1024;

export async function readObject(
  stores: Stores,
  location: ObjectLocation,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await (await stores.at(location)).get(location.key, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (error instanceof StorageError && error.failure === 'not_found') return undefined;
    throw error;
  }
}

/** Undefined for an object that is not there or is not what the schema says. */
export async function readJson<Schema extends z.ZodType>(
  stores: Stores,
  location: ObjectLocation,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const bytes = await readObject(stores, location);
  return bytes && schema.safeParse(parseJson(new TextDecoder().decode(bytes))).data;
}

export async function writeJson(stores: Stores, location: ObjectLocation, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  await (await stores.at(location)).put(location.key, bytes, 'application/json');
}

export async function objectExists(stores: Stores, location: ObjectLocation): Promise<boolean> {
  return (await stores.at(location)).exists(location.key);
}
