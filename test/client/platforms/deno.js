import * as edgesift from './index.js';
import { useClient } from './scenario.js';

const [url, image] = Deno.args;
await Deno.stdout.write(
  new TextEncoder().encode(JSON.stringify(await useClient(edgesift, url, await Deno.readFile(image)))),
);
