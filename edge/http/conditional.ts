import type { EdgeContext } from '../context.ts';

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2). A client that sends the tag has the result, cached or not. */
export function namesTag(context: EdgeContext, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  const listed = context.req.header('if-none-match')?.split(',') ?? [];
  return listed.some((tag) => opaque(tag) === opaque(etag));
}

/** `If-None-Match: *`: the client has a representation and needs none if one exists. */
export function namesAny(context: EdgeContext): boolean {
  return context.req.header('if-none-match')?.trim() === '*';
}
