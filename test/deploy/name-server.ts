import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface NameServer {
  readonly port: number;
  close(): void;
}

/** The header that DNS messages begin with (RFC 1035, section 4.1.1). */
const HEADER_BYTES = 12;

/**
 * Responds to every query for A records with these addresses, and all others with none, as Docker's name server does
 * for a service and its replicas.
 *
 * @param addresses IPv4; looked at anew for each query
 * @param place where it listens; by default a free port of this machine
 */
export async function startNameServer(
  addresses: () => readonly string[],
  place = { address: '127.0.0.1', port: 0 },
): Promise<NameServer> {
  const socket = createSocket('udp4', (query, { port, address }) => {
    socket.send(respond(query, addresses()), port, address);
  });
  socket.bind(place);
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => socket.close() };
}

function respond(query: Buffer, addresses: readonly string[]): Buffer {
  const nameEnd = query.indexOf(0, HEADER_BYTES) + 1;
  const question = query.subarray(HEADER_BYTES, nameEnd + 4);
  const asksForA = query.readUInt16BE(nameEnd) === 1;
  const records = asksForA ? addresses.map(addressRecord) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // A response, recursion desired and available; one question.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

/** Type A, class IN, 600 s, four bytes; its name is the question's, by a pointer to offset 12. */
function addressRecord(address: string): Buffer {
  const fields = [0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4];
  return Buffer.from([...fields, ...address.split('.').map(Number)]);
}
