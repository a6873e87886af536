import {
  asServiceError,
  problemHeaders,
  problemOf,
  type ServiceError,
} from '../../shared/contract/errors.ts';
import { type InferenceError, isInferencePath } from '../../shared/contract/inference.ts';
import type { EdgeContext } from '../context.ts';
import { logError, logWarning } from '../observability/log.ts';

/** nginx's status for a request whose client closed the connection. It is never sent; logs and counters have it. */
const CLIENT_CLOSED_REQUEST = 499;

/** Any thrown value as problem+json, or as the inference protocol has it; failures of ours are logged with their cause. */
export function respondWithError(thrown: unknown, context: EdgeContext): Response {
  if (context.req.raw.signal.aborted) return new Response(null, { status: CLIENT_CLOSED_REQUEST });
  const error = asServiceError(thrown);
  const id = context.get('requestId');
  context.set('errorCode', error.code);
  logFailure(error, id);
  const { path } = context.req;
  if (isInferencePath(path)) return inferenceError(error);
  const problem = problemOf(error, { path, id });
  return new Response(JSON.stringify(problem), { status: error.status, headers: problemHeaders(error) });
}

function inferenceError(error: ServiceError): Response {
  const body: InferenceError = { error: error.message };
  const headers = { ...problemHeaders(error), 'Content-Type': 'application/json' };
  return new Response(JSON.stringify(body), { status: error.status, headers });
}

/** Logs failures of the service. Known ones get a warning; an unexpected one gets its stack trace. */
export function logFailure(error: ServiceError, requestId: string): void {
  if (error.status < 500) return;
  const facts = { request_id: requestId, error_code: error.code };
  if (error.code === 'INTERNAL_SERVER_ERROR') logError('request failed', error.cause ?? error, facts);
  else logWarning('request failed', { ...facts, cause: String(error.cause ?? error.message) });
}
