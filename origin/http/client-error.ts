import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problemHeaders, problemOf, ServiceError } from '../../shared/contract/errors.ts';

/** Responds to what never became a request: bytes that are no HTTP, or that come too slowly. Closes the connection. */
export function respondToClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') respondTooSlow(socket);
  else respondUnreadable(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400, socket);
}

function respondTooSlow(socket: Socket): void {
  const problem = new ServiceError('SERVICE_TIMEOUT', 'The request took too long to arrive.');
  const body = JSON.stringify(problemOf(problem, { path: '', id: crypto.randomUUID() }));
  sendResponse(socket, problem.status, problemHeaders(problem), body);
}

/**
 * A status and no problem document. How the edge writes its requests is between it and the origin: its client must
 * not get an INVALID_PARAMETER for what the client did not send. Without a document the edge relays nothing, takes
 * it for a fault of its own and logs the status.
 */
function respondUnreadable(status: 400 | 431, socket: Socket): void {
  sendResponse(socket, status, {}, '');
}

function sendResponse(socket: Socket, status: number, headers: Record<string, string>, body: string): void {
  const all = { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
}
