import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createServerTransport,
  SecureContexts,
  type ServerTransportOptions,
  type TlsParameters,
} from '../../../server/data-plane/tls/index.ts';
import { systemClock } from '../../../server/system.ts';
import { createTestCa } from './certificates.ts';
import { handshake, type Listener, secured, startListener } from './harness.ts';

interface Authority {
  /** Credentials with another certificate of the server. */
  readonly another: ServerTransportOptions['credentials'];
}
type Version = NonNullable<TlsParameters['max']>;

describe('a client that takes up its session', () => {
  let listener: Listener | undefined;
  afterEach(() => listener?.close());

  /** What the server knows of each of three connections of one client; a function changes its options before each. */
  async function threeTimes(maxVersion: Version, change: (ca: Authority, turn: number) => object) {
    const ca = await createTestCa();
    const [server, client] = [await ca.issue({ dns: ['host'] }), await ca.issue({ uris: ['spiffe://a/b'] })];
    listener = await startListener();
    const context = createSecureContext({ cert: client.chainPem, key: client.keyPem, ca: ca.rootsPem });
    const options: ServerTransportOptions = {
      contexts: new SecureContexts(),
      clock: systemClock(),
      alpn: [],
      requireClientCertificate: true,
      credentials: () => ({ certificate: server, rootsPem: ca.rootsPem }),
    };
    const second = await ca.issue({ dns: ['host'] });
    const authority = { another: () => ({ certificate: second, rootsPem: ca.rootsPem }) };
    const told: object[] = [];
    let session: Buffer | undefined;
    for (let turn = 0; turn < 3; turn++) {
      const given = { maxVersion, servername: 'host', secureContext: context, ...(session && { session }) };
      // As for Envoy, a ticket of TLS 1.3 is good for one connection.
      if (maxVersion === 'TLSv1.3') session = undefined;
      const socket = connectTls({ socket: connect(listener.port, '127.0.0.1'), ...given });
      socket.on('error', ({ message }) => told.push({ heard: /alert number \d+/.exec(message)?.[0] ?? message }));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const fresh = once(socket, 'session', { signal: AbortSignal.timeout(5000) }).then(
        ([given]) => {
          session = given as Buffer;
        },
        () => undefined,
      );
      const accepted = await listener.accept();
      const outcome = await handshake(createServerTransport({ ...options, ...change(authority, turn) }), accepted);
      if ('failed' in outcome) told.push(outcome);
      else {
        const { tls, socket: served } = secured(outcome);
        await Promise.race([fresh, closed, new Promise((resolve) => setImmediate(resolve))]);
        told.push({ resumed: tls?.resumed === true, who: tls?.peerSpiffeId, chain: tls?.handshake?.peerChain.length });
        served.end();
        socket.resume();
      }
      socket.end();
      await Promise.all([closed, 'failed' in outcome ? undefined : fresh]);
    }
    return told;
  }
  const full = { resumed: false, who: 'spiffe://a/b', chain: 2 };
  const again = { ...full, resumed: true };

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('is known as in its first handshake (%s)', async (version) => {
    expect(await threeTimes(version, () => ({}))).toEqual([full, again, again]);
  });

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('is judged once more by its names (%s)', async (version) => {
    const told = await threeTimes(version, (_ca, turn) => ({ matchesPeer: () => turn === 0 }));
    expect(told[0]).toEqual(full);
    expect(JSON.stringify(told[1])).toContain('SAN matcher');
    if (version === 'TLSv1.3') expect(told[2]).toEqual({ heard: 'alert number 46' });
  });

  it('begins anew with a server that has another certificate', async () => {
    const told = await threeTimes('TLSv1.3', (ca, turn) => (turn === 1 ? { credentials: ca.another } : {}));
    expect(told).toEqual([full, full, full]);
  });

  it('gets no ticket from a server that resumes nothing', async () => {
    const parameters = { noTickets: true };
    expect(await threeTimes('TLSv1.3', () => ({ parameters }))).toEqual([full, full, full]);
  });
});
