import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientSessions, SecureContexts } from '../../../server/data-plane/tls/index.ts';
import { createTestCa } from './certificates.ts';
import {
  CLIENT_ID,
  clientTransport,
  type Listener,
  meet,
  SERVER_ID,
  secured,
  serverTransport,
  startListener,
} from './harness.ts';

const VERSIONS = ['TLSv1.3', 'TLSv1.2'] as const;
type Version = (typeof VERSIONS)[number];

describe('a client that keeps the sessions of its servers', () => {
  let listener: Listener;
  beforeEach(async () => {
    listener = await startListener();
  });
  afterEach(() => listener.close());

  /** What the client knows of its server in so many connections, one after the other; `expects` changes from one to the next. */
  async function inTurn(version: Version, expects: readonly string[]): Promise<object[]> {
    const ca = await createTestCa();
    const [server, client] = [await ca.issue({ uris: [SERVER_ID] }), await ca.issue({ uris: [CLIENT_ID] })];
    const [contexts, sessions] = [new SecureContexts(), new ClientSessions(1)];
    const credentials = { certificate: client, rootsPem: ca.rootsPem };
    const accepting = serverTransport({ credentials: () => ({ certificate: server, rootsPem: ca.rootsPem }) });
    const told: object[] = [];
    for (const name of expects) {
      const dialling = clientTransport({
        contexts,
        sessions,
        credentials: () => credentials,
        parameters: { max: version },
        matchesPeer: (names) => names.uris.includes(name),
      });
      const both = await meet(listener, dialling, accepting);
      if ('failed' in both.client) {
        told.push({ failed: both.client.failed.includes('SAN matcher') });
        continue;
      }
      const { socket, tls } = secured(both.client);
      // TLS 1.2 gives its session within the handshake.
      const given = tls?.version === 'TLSv1.3' && !tls.resumed ? once(socket as TLSSocket, 'session') : undefined;
      told.push({ resumed: tls?.resumed === true, who: tls?.peerSpiffeId, chain: tls?.handshake?.peerChain.length });
      socket.resume();
      await given;
      socket.destroy();
    }
    return told;
  }
  const anew = { resumed: false, who: SERVER_ID, chain: 2 };
  const again = { ...anew, resumed: true };

  it.each(VERSIONS)('knows a server whose session it takes up as in the first handshake (%s)', async (version) => {
    expect(await inTurn(version, [SERVER_ID, SERVER_ID])).toEqual([anew, again]);
  });

  it.each(VERSIONS)('judges the names of a server whose session it takes up once more (%s)', async (version) => {
    expect(await inTurn(version, [SERVER_ID, 'spiffe://cluster.local/ns/shop/sa/ratings'])).toEqual([
      anew,
      { failed: true },
    ]);
  });
});
