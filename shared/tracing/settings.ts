import * as z from 'zod';

/** Where a collector is, as `OTEL_EXPORTER_OTLP_ENDPOINT` gives it. */
export const collectorUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional();

/** `name=value,name=value`, values percent-encoded, as OpenTelemetry's specification has it. */
export const otlpHeadersSchema = z
  .string()
  .regex(/^([\w-]+=([^,=%]|%[0-7][0-9a-f])*(,|$))*$/i, { error: 'must be like name=value,name=value' })
  .default('')
  .transform((text) =>
    Object.fromEntries(
      text
        .split(',')
        .filter((pair) => pair !== '')
        .map((pair) => pair.split('=') as [string, string])
        .map(([name, value]) => [name, decodeURIComponent(value)]),
    ),
  );
