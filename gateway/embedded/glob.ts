/**
 * Redis' glob patterns (`src/util.c`, `stringmatchlen`): `*`, `?`, `[abc]`, `[^a-c]`, and `\` to take the next
 * character literally. They work on bytes: `?` is one byte of a multi-byte character.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const expression = new RegExp(`^${translate(toByteText(pattern))}$`, 's');
  return (text) => expression.test(toByteText(text));
}

/** One character for each byte of the UTF-8 form. */
function toByteText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Runs of stars are one star; an opened class that is never closed ends with the pattern. */
const TOKEN =
  /(?<stars>\*+)|(?<any>\?)|\[(?<negated>\^?)(?<members>(?:\\.|[^\]]-.|[^\]])*)\]?|\\?(?<literal>.)/gs;

function translate(pattern: string): string {
  return pattern.replace(TOKEN, (...match) => {
    const token: Record<string, string | undefined> = match.at(-1);
    if (token.stars !== undefined) return '.*';
    if (token.any !== undefined) return '.';
    if (token.members !== undefined) return `[${token.negated}${translateMembers(token.members)}]`;
    return toCodePoint(token.literal ?? '');
  });
}

const MEMBER = /\\(?<escaped>.)|(?<from>.)(?:-(?<to>.))?/gs;

/** A range may be given from its upper end. */
function translateMembers(members: string): string {
  return members.replace(MEMBER, (...match) => {
    const { escaped, from = escaped ?? '', to = from }: Record<string, string | undefined> = match.at(-1);
    return from <= to ? `${toCodePoint(from)}-${toCodePoint(to)}` : `${toCodePoint(to)}-${toCodePoint(from)}`;
  });
}

function toCodePoint(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
