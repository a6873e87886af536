import { ServiceError } from '../../shared/contract/errors.ts';

/** @throws ServiceError `UNSUPPORTED_MEDIA_TYPE` for a request body that is compressed */
export function requireIdentityEncoding(request: Request): void {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return;
  throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', 'Send the body without a Content-Encoding.', {
    details: { content_encoding: encoding.slice(0, 64), supported: ['identity'] },
  });
}
