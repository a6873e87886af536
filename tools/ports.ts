import { once } from 'node:events';
import { createServer } from 'node:net';
import { SetUpError } from './set-up/set-up-error.ts';

/**
 * Makes sure that the ports can be listened on, before anything is started that would fail on them.
 *
 * @param ports each with the name of the variable that chooses it
 * @throws SetUpError that names port and variable
 */
export async function ensurePortsAreFree(ports: Readonly<Record<string, number>>): Promise<void> {
  for (const [variable, port] of Object.entries(ports)) {
    const other = Object.keys(ports).find((name) => name !== variable && ports[name] === port);
    if (other !== undefined)
      throw new SetUpError(`${variable} and ${other} are both ${port}: they must differ.`);
    const problem = await listenProblem(port);
    if (problem !== undefined) {
      throw new SetUpError(`Port ${port} ${problem}. Choose another one with ${variable}=… npm start`);
    }
  }
}

async function listenProblem(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
  }
}
