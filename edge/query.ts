import type { EdgeContext } from './context.ts';

/** Parameters of the request's query. Not by `URL`, which refuses what a client may have sent as `Host`. */
export function queryOf({ req }: EdgeContext): URLSearchParams {
  const at = req.url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : req.url.slice(at));
}
