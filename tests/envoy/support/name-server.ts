import { createSocket } from 'node:dgram';
import type { ResolvedName } from '../../../server/data-plane/doors.ts';

/** What the server says of a name: addresses of IPv4, perhaps none; or a code in their place. */
export type Told = readonly string[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';

const CODES = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;
const HEADER_BYTES = 12;
const TYPE_A = 1;

export interface TestNameServer {
  readonly at: { readonly ip: string; readonly port: number };
  /** The same as a proxy of ours hears it from its network. */
  resolve(name: string): Promise<ResolvedName>;
  stop(): void;
}

/** A name server of a test, which says what `told` says at the moment. Source: RFC 1035 §4. */
export async function startNameServer(ip: string, told: (name: string) => Told): Promise<TestNameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const asked = query.readUInt16BE(at + 1);
    const said = told(labels.join('.').toLowerCase());
    const code = typeof said === 'string' ? CODES[said] : 0;
    const addresses = typeof said === 'string' || asked !== TYPE_A ? [] : said;
    const header = Buffer.from(query.subarray(0, HEADER_BYTES));
    header.writeUInt16BE(0x8180 | code, 2);
    for (const [place, count] of [1, addresses.length, 0, 0].entries()) header.writeUInt16BE(count, 4 + place * 2);
    const records = addresses.map((each) =>
      Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...each.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, query.subarray(HEADER_BYTES, at + 5), ...records]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, ip, resolve));
  return {
    at: { ip, port: socket.address().port },
    async resolve(name) {
      const said = told(name);
      if (said === 'SERVFAIL' || said === 'REFUSED') throw new Error(said);
      return { addresses: said === 'NXDOMAIN' ? [] : said, ttlS: 0 };
    },
    stop: () => void socket.close(),
  };
}
