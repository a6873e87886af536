import * as edgesift from './index.js';
import { useClient } from './scenario.js';

export default {
  /** @param request the image; its query has the address of the service */
  async fetch(request) {
    const url = new URL(request.url).searchParams.get('service');
    const image = new Uint8Array(await request.arrayBuffer());
    try {
      return Response.json(await useClient(edgesift, url, image));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
