import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import sharp from 'sharp';

const IS_RESTRICTED = 'libvips is restricted';

// libvips reads many more formats, some by large and often attacked libraries: only these three may ever run. The list
// belongs to the process, not to a thread. A thread that blocked all formats again would make the images fail that others
// decode at that moment. So the main thread imports this module before it starts threads, and they find it done.
if (getEnvironmentData(IS_RESTRICTED) !== true) {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer', 'VipsForeignLoadNsgifBuffer'],
  });
  setEnvironmentData(IS_RESTRICTED, true);
}
