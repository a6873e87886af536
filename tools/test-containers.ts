/** `npm run test:containers`: builds the images and runs docker-compose.yml's services from them; takes minutes. */
import { runInForeground } from './foreground.ts';
import { ensureContainerTools } from './set-up/containers.ts';
import { ensureNats } from './set-up/nats.ts';
import { ensureRedis } from './set-up/redis.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureContainerTools, ensureRedis, ensureNats);
process.exitCode = await runInForeground('vitest', ['run', 'test/containers', ...process.argv.slice(2)], {
  ...process.env,
  EDGESIFT_CONTAINERS: '1',
});
