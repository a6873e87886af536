import { z } from 'zod';
import { integerSetting, portSetting } from '../shared/settings.ts';

/** The gateway's settings, from the environment. */
export const configurationSchema = z.object({
  HOST: z.string().default('127.0.0.1').describe('Address to listen on; on Deno also where the edge listens'),
  REDIS_REST_PORT: portSetting(8079).describe('Port to listen on'),
  REDIS_REST_TOKEN: z
    .string({ error: 'is needed: the token that clients of the gateway send' })
    .describe('What it asks of its clients'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be like redis://127.0.0.1:6379' })
    .optional()
    .describe('The Redis behind it; without, a store in its own memory, which ends with it'),
  EMBEDDED_STORE_MAX_BYTES: integerSetting(1024 * 1024)
    .default(256 * 1024 * 1024)
    .describe('Most that that store holds'),
});
