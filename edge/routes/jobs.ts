import type { Hono } from 'hono';
import { ServiceError } from '../../shared/contract/errors.ts';
import { MAX_JOB_REQUEST_BYTES } from '../../shared/contract/jobs.ts';
import {
  cancelJob,
  createJob,
  getJob,
  jobEvents,
  listJobs,
  retryFailedImages,
} from '../../shared/contract/routes/jobs.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';

/** `/api/v1/jobs…`: everything is passed on to the job service, and its responses are passed back. */
export function registerJobs(app: Hono<EdgeEnvironment>, { jobs, ingest }: Services): void {
  const pass = async (
    context: EdgeContext,
    method: 'GET' | 'POST',
    path: string,
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Response> => {
    const response = await jobs.call({
      method,
      path,
      requestId: context.get('requestId'),
      trace: context.get('trace'),
      signal: context.req.raw.signal,
      ...(body && { body }),
    });
    const headers = {
      'Content-Type': response.headers.get('content-type') ?? 'application/json',
      'Cache-Control': 'no-store',
    };
    return new Response(response.body, { status: response.status, headers });
  };
  const pathOf = (id: string, rest = '') => `/${encodeURIComponent(id)}${rest}`;

  addRoute(app, createJob, async (context) => {
    checkMediaType(context.req.header('content-type'));
    const { bytes, lease } = await ingest.receiveDocument(context.req.raw, MAX_JOB_REQUEST_BYTES);
    try {
      return await pass(context, 'POST', '', bytes);
    } finally {
      lease.release();
    }
  });
  addRoute(app, listJobs, (context) => pass(context, 'GET', queryOf(context.req.raw.url)));
  addRoute(app, getJob, (context) => pass(context, 'GET', pathOf(context.req.param('id'))));
  addRoute(app, jobEvents, (context) => pass(context, 'GET', pathOf(context.req.param('id'), '/events')));
  addRoute(app, cancelJob, (context) => pass(context, 'POST', pathOf(context.req.param('id'), '/cancel')));
  addRoute(app, retryFailedImages, (context) =>
    pass(context, 'POST', pathOf(context.req.param('id'), '/retry-failed')),
  );
}

/**
 * A page of another site may send forms and plain text without asking, JSON only when CORS allows it.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`
 */
function checkMediaType(contentType = ''): void {
  if (/^application\/json *(;|$)/i.test(contentType)) return;
  throw new ServiceError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the job as JSON with Content-Type: application/json.',
  );
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}
