import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { asServiceError, problemHeaders, problemOf, ServiceError } from '../../shared/contract/errors.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { CallerGone } from './caller.ts';

/** Responds to every error with a problem document of the contract, and logs what really happened. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (thrown instanceof CallerGone) {
    request.log.info(thrown.message);
    return reply.hijack();
  }
  const error = isFastifyError(thrown) ? fromFastify(thrown) : asServiceError(thrown);
  logError(error, request);
  const problem = problemOf(error, { path: pathOf(request.url), id: request.id });
  return (
    reply
      .code(error.status)
      .headers({ ...problemHeaders(error), [ORIGIN_HEADERS.requestId]: request.id })
      // As bytes, so that Fastify does not add a charset, which JSON does not have.
      .send(Buffer.from(JSON.stringify(problem)))
  );
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(new ServiceError('NOT_FOUND', 'This path does not exist.'), request, reply);
}

function logError(error: ServiceError, { log }: FastifyRequest): void {
  const { code: error_code, cause, message, status } = error;
  if (status === 500) log.error({ error_code, err: cause ?? error }, message);
  else if (status > 500) log.warn({ error_code, err: cause }, message);
  else log.info({ error_code, err: cause }, message);
}

function isFastifyError(thrown: unknown): thrown is FastifyError {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_');
}

function fromFastify(error: FastifyError): ServiceError {
  if (error.statusCode === 415) {
    return new ServiceError('UNSUPPORTED_MEDIA_TYPE', 'The Content-Type header is malformed.', {
      cause: error,
    });
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ServiceError('INVALID_PARAMETER', 'The request is malformed.', { cause: error });
  }
  return asServiceError(error);
}

/** A URL without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
