/** Where a request entered Cloudflare's network, and from where. */
export interface Region {
  /** IATA code of the data centre. */
  colo: string;
  /** ISO 3166-1 alpha-2; Cloudflare's own `T1` is Tor. */
  country: string;
}

const LOCAL = 'local';

/** Anywhere but on Cloudflare, and for text that does not look like a code, `local`. */
export function regionOf(request: Request): Region {
  const cf: unknown = 'cf' in request ? request.cf : undefined;
  if (typeof cf !== 'object' || cf === null) return { colo: LOCAL, country: LOCAL };
  const colo = 'colo' in cf ? cf.colo : undefined;
  const country = 'country' in cf ? cf.country : undefined;
  return {
    colo: typeof colo === 'string' && /^[A-Z]{3}$/.test(colo) ? colo : LOCAL,
    country: typeof country === 'string' && /^[A-Z0-9]{2}$/.test(country) ? country : LOCAL,
  };
}
