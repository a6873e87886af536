/** A store that does not have this format, or a reply that is not what the format and the command allow. */
export class Resp2Error extends Error {
  override readonly name = 'Resp2Error';
}

const [CR, LF] = [13, 10];
const decoder = new TextDecoder();

/**
 * The strings of an array reply in RESP2, Redis' protocol: `*2`, `$5`, `hello`, `$-1`, each followed by CR LF
 * (https://redis.io/docs/latest/develop/reference/protocol-spec).
 *
 * @returns each string in a buffer of its own, null for a null string
 * @throws Resp2Error for anything else, a reply that is cut off or too long among it
 */
export function stringsOfReply(reply: Uint8Array<ArrayBuffer>): (Uint8Array<ArrayBuffer> | null)[] {
  const header = lineAt(reply, 0);
  const count = numberAfter('*', header.text);
  if (count < 0) throw new Resp2Error('the reply is a null array');
  let at = header.end;
  const strings: (Uint8Array<ArrayBuffer> | null)[] = [];
  while (strings.length < count) {
    const { text, end } = lineAt(reply, at);
    const length = numberAfter('$', text);
    strings.push(length < 0 ? null : stringAt(reply, end, length));
    at = length < 0 ? end : end + length + 2;
  }
  if (at !== reply.length) throw new Resp2Error('the reply is longer than its array');
  return strings;
}

function lineAt(reply: Uint8Array, from: number): { text: string; end: number } {
  const end = reply.indexOf(LF, from);
  if (end <= from || reply[end - 1] !== CR) throw new Resp2Error('a line of the reply does not end');
  return { text: decoder.decode(reply.subarray(from, end - 1)), end: end + 1 };
}

/** -1 stands for null. */
function numberAfter(type: '*' | '$', line: string): number {
  if (!line.startsWith(type) || !/^(-1|0|[1-9]\d{0,8})$/.test(line.slice(1))) {
    throw new Resp2Error(`the reply has another type than '${type}'`);
  }
  return Number(line.slice(1));
}

function stringAt(reply: Uint8Array<ArrayBuffer>, from: number, length: number): Uint8Array<ArrayBuffer> {
  const end = from + length;
  if (reply[end] !== CR || reply[end + 1] !== LF) throw new Resp2Error('a string of the reply is cut off');
  return reply.slice(from, end);
}
