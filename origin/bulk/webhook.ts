import { createHmac } from 'node:crypto';
import type { JobResponse } from '../../shared/contract/jobs.ts';
import type { Web } from '../storage/web.ts';

const ENCODED_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** As the libraries of Standard Webhooks read a secret; any other text is the key itself. */
function signingKeyOf(secret: string): Buffer {
  const [, encoded] = ENCODED_SECRET.exec(secret) ?? [];
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
}

/**
 * Sends a job to its webhook, signed as Standard Webhooks 1.0 says: HMAC-SHA-256 over id, time in seconds and body, in
 * base64. Receivers compare `webhook-signature` and refuse old times.
 *
 * @returns whether the receiver took it, with a status from 200 to 299
 */
export async function callWebhook(
  web: Web,
  { url, secret, job }: { url: string; secret: string; job: JobResponse },
): Promise<boolean> {
  // The same each time, so that a receiver knows a message that it has had.
  const id = `msg_${job.id}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({ type: `job.${job.state}`, timestamp: new Date().toISOString(), data: job });
  const signature = createHmac('sha256', signingKeyOf(secret))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'edgesift',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
  const status = await web.post(new URL(url), headers, body);
  return status >= 200 && status < 300;
}
