import type { Configuration } from './configuration.ts';

/** The Worker's vars and secrets, all of them text, and its bindings. `configurationSchema` checks the text. */
export interface Bindings extends Readonly<Partial<Record<keyof Configuration, string>>> {
  /** The files of `build/assets`: Cloudflare's static assets, or workerd's disk service in their place. */
  readonly ASSETS?: Fetcher;
}
