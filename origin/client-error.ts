import type { Socket } from 'node:net';
import { problemHeaders, problemOf, ServiceError } from '../shared/contract/errors.ts';

/** Node's parser codes for a request that arrives too slowly. */
const TOO_SLOW = new Set(['ERR_HTTP_REQUEST_TIMEOUT']);

/** Answers what never became a request: bytes that are no HTTP, or that come too slowly. Closes the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const problem = TOO_SLOW.has(error.code ?? '')
    ? new ServiceError('SERVICE_TIMEOUT', 'The request took too long to arrive.')
    : new ServiceError('INVALID_PARAMETER', 'This is not a valid HTTP request.');
  const body = JSON.stringify(problemOf(problem, { path: '', id: crypto.randomUUID() }));
  const headers = {
    ...problemHeaders(problem),
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${problem.status} ${problem.code}`, ...lines, '', body].join('\r\n'));
}
