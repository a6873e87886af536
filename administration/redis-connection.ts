import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createRedisClient, type RedisClient } from '../edge/redis/redis-client.ts';
import { CircuitBreaker } from '../edge/resilience/circuit-breaker.ts';
import { portSetting, readSettings } from '../shared/settings.ts';

const ENVIRONMENT_FILE = fileURLToPath(new URL('../.env', import.meta.url));

const REMEDY =
  'is needed: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or REDIS_REST_TOKEN for the local gateway';

/** Upstash's own variables, or else those of the gateway that `npm start` runs. */
const settingsSchema = z
  .object({
    UPSTASH_REDIS_REST_URL: z.url().optional(),
    UPSTASH_REDIS_REST_TOKEN: z.string().optional(),
    REDIS_REST_PORT: portSetting(8079),
    REDIS_REST_TOKEN: z.string().optional(),
  })
  .transform((settings) => ({
    url: settings.UPSTASH_REDIS_REST_URL ?? `http://127.0.0.1:${settings.REDIS_REST_PORT}`,
    token: settings.UPSTASH_REDIS_REST_TOKEN ?? settings.REDIS_REST_TOKEN,
  }))
  .pipe(z.object({ url: z.string(), token: z.string({ error: REMEDY }) }));

/**
 * The Redis of the service, as the environment or `.env` sets it: Upstash or the local gateway, over the same protocol.
 *
 * @throws SettingsError
 */
export function connectToRedis(): RedisClient {
  if (existsSync(ENVIRONMENT_FILE)) process.loadEnvFile(ENVIRONMENT_FILE);
  const { url, token } = readSettings(settingsSchema, process.env);
  return createRedisClient({
    url,
    token,
    breaker: new CircuitBreaker({ failureThreshold: Number.POSITIVE_INFINITY, cooldownMs: 0 }),
  });
}
