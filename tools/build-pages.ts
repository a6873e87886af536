/** What wrangler runs before it deploys (wrangler.toml). */
import { buildPages } from './worker/build-pages.ts';

await buildPages();
