/** In the place of Docker's name server: responds with the addresses on the command line to any name. */
import { startNameServer } from '../deploy/name-server.ts';

await startNameServer(() => process.argv.slice(2), { address: '127.0.0.11', port: 53 });
