import { z } from 'zod';
import { integerSetting, portSetting } from '../shared/settings.ts';

/** The gateway's settings, from the environment. */
export const configurationSchema = z.object({
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. On Deno, the edge uses the same setting'),
  REDIS_REST_PORT: portSetting(8079).describe('Port to listen on'),
  REDIS_REST_TOKEN: z
    .string({ error: 'is needed: the token that clients of the gateway send' })
    .regex(/^\S+$/, 'must not have spaces')
    .describe('Token that clients of the gateway must send'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be like redis://127.0.0.1:6379' })
    .optional()
    .describe(
      'Redis behind the gateway. Without it, the gateway keeps data in its own memory and loses it at its end',
    ),
  EMBEDDED_STORE_MAX_BYTES: integerSetting(1024 * 1024)
    .default(256 * 1024 * 1024)
    .describe('Maximum size in bytes of that memory'),
});
