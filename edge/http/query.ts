/**
 * Name and value of every query parameter, as often as it is given. Nothing is parsed where nothing is
 * asked, and not by `URL`, which refuses what a client may have sent as `Host`.
 */
export function queryParameters({ url }: Request): Iterable<[string, string]> {
  const start = url.indexOf('?');
  return start < 0 ? [] : new URLSearchParams(url.slice(start));
}
