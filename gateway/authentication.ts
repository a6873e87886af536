import { createHash, timingSafeEqual } from 'node:crypto';

/** Checks `Authorization: Bearer <token>` in a time that reveals nothing about the token. */
export function bearerTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = sha256(token);
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(sha256(given), expected);
  };
}

/** Makes tokens of any length comparable: `timingSafeEqual` asks for equal lengths. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
