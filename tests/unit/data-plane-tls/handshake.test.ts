import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handshakeCounter, type TransportSocket } from '../../../server/data-plane/tls/index.ts';
import { createHostPool } from '../../../server/data-plane/upstream/pool.ts';
import { createCircuitBreakers } from '../../../server/data-plane/upstream/pool-breakers.ts';
import { systemClock } from '../../../server/system.ts';
import { Call } from '../data-plane-h1/pool-harness.ts';
import type { TestCa, TestCertificate } from './certificates.ts';
import { createTestCa } from './certificates.ts';
import type { Listener } from './harness.ts';
import {
  CLIENT_ID,
  clientTransport,
  dial,
  handshake,
  heard,
  meet,
  SERVER_ID,
  SNI,
  secured,
  serverTransport,
  startListener,
} from './harness.ts';

let ca: TestCa;
let otherCa: TestCa;
let serverCertificate: TestCertificate;
let clientCertificate: TestCertificate;
let listener: Listener;

beforeAll(async () => {
  ca = await createTestCa();
  otherCa = await createTestCa('O=other');
  serverCertificate = await ca.issue({ uris: [SERVER_ID], subject: 'O=mesh, CN=reviews' });
  clientCertificate = await ca.issue({ uris: [CLIENT_ID] });
});

beforeEach(async () => {
  listener = await startListener();
});

afterEach(() => listener.close());

const verify = 'TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: ';

describe('a handshake', () => {
  it('proves both identities and tells its facts to both sides', async () => {
    const outcome = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }) }),
      serverTransport({ credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }) }),
    );
    const common = { version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/), alpn: 'istio', sni: SNI };
    expect(secured(outcome.client).tls).toMatchObject({
      ...common,
      peerSpiffeId: SERVER_ID,
      peerSubject: 'CN=reviews,O=mesh',
    });
    expect(secured(outcome.server).tls).toMatchObject({ ...common, peerSpiffeId: CLIENT_ID, peerSubject: '' });
    expect(secured(outcome.server).tls?.peerCertificateHash).toMatch(/^[0-9a-f]{64}$/);
    secured(outcome.client).socket.write('ping');
    expect(await heard(secured(outcome.server).socket)).toBe('ping');
  });

  it('fails when the server proves another identity than the one expected', async () => {
    const { client } = await meet(
      listener,
      clientTransport({
        credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }),
        matchesPeer: (names) => names.uris.includes('spiffe://cluster.local/ns/shop/sa/ratings'),
      }),
      serverTransport({ credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }) }),
    );
    expect(client).toEqual({ failed: `${verify}SAN matcher, certificate SANs are [${SERVER_ID}]:TLS_error_end` });
  });

  it('fails when the client’s roots do not vouch for the server', async () => {
    const { client } = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: clientCertificate, rootsPem: otherCa.rootsPem }) }),
      serverTransport({ credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }) }),
    );
    expect(client).toMatchObject({
      failed: expect.stringMatching(
        /^TLS_error:\|268435581:.*X509_verify_cert: certificate verification error at depth 0: [^;:]+:TLS_error_end$/,
      ),
    });
  });

  it('fails when the server’s certificate has expired', async () => {
    const expired = await ca.issue({ uris: [SERVER_ID], notAfterMs: Date.now() - 1000 });
    const { client } = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }) }),
      serverTransport({ credentials: () => ({ certificate: expired, rootsPem: ca.rootsPem }) }),
    );
    expect(client).toEqual({
      failed: `${verify}X509_verify_cert: certificate verification error at depth 0: certificate has expired:TLS_error_end`,
    });
  });

  it('fails at the server when the client shows no certificate', async () => {
    const { server } = await meet(
      listener,
      clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) }),
      serverTransport({ credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }) }),
    );
    expect(server).toEqual({
      failed:
        'TLS_error:|268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE:peer did not provide required client certificate:TLS_error_end',
    });
  });

  it('fails at the server when its roots do not vouch for the client, or its names do not match', async () => {
    const stranger = await otherCa.issue({ uris: [CLIENT_ID] });
    const distrusted = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: stranger, rootsPem: ca.rootsPem }) }),
      serverTransport({ credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }) }),
    );
    expect(distrusted.server).toMatchObject({ failed: expect.stringContaining('X509_verify_cert') });
    const unexpected = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }) }),
      serverTransport({
        credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
        matchesPeer: (names) => names.uris.includes('spiffe://cluster.local/ns/shop/sa/admin'),
      }),
    );
    expect(unexpected.server).toEqual({
      failed: `${verify}SAN matcher, certificate SANs are [${CLIENT_ID}]:TLS_error_end`,
    });
  });

  it('fails at the server when a list says that the client’s certificate is revoked, and only then', async () => {
    const stolen = await ca.issue({ uris: [CLIENT_ID] });
    const crlPem = await ca.revoke(stolen);
    const server = serverTransport({
      credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem, crlPem }),
    });
    const showing = (certificate: TestCertificate) =>
      clientTransport({ credentials: () => ({ certificate, rootsPem: ca.rootsPem }) });
    const refused = await meet(listener, showing(stolen), server);
    expect(refused.server).toEqual({
      failed: `${verify}X509_verify_cert: certificate verification error at depth 0: certificate revoked:TLS_error_end`,
    });
    expect(secured((await meet(listener, showing(clientCertificate), server)).server).tls?.peerSpiffeId).toBe(
      CLIENT_ID,
    );
  });

  it('takes a client without a certificate where none is required, and verifies one that is shown', async () => {
    const lenient = serverTransport({
      credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
      requireClientCertificate: false,
    });
    const without = await meet(listener, clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) }), lenient);
    expect(secured(without.server).tls).toMatchObject({ peerSpiffeId: '', peerCertificateHash: '' });
    const stranger = await otherCa.issue({ uris: [CLIENT_ID] });
    const shown = await meet(
      listener,
      clientTransport({ credentials: () => ({ certificate: stranger, rootsPem: ca.rootsPem }) }),
      lenient,
    );
    expect('failed' in shown.server).toBe(true);
  });

  it('does not start before the secret has come', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const failed = { failed: 'TLS error: Secret is not supplied by SDS' };
    expect(handshakeCounter(failed.failed, 'server')).toBe(
      'server_ssl_socket_factory.downstream_context_secrets_not_ready',
    );
    expect(await handshake(clientTransport({ credentials: () => undefined }), near)).toEqual(failed);
    expect(await handshake(serverTransport({ credentials: () => undefined }), far)).toEqual(failed);
    expect(near.destroyed && far.destroyed).toBe(true);
  });

  it('says what is wrong when one side speaks plaintext', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    far.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    const client = clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) });
    expect(await handshake(client, near)).toEqual({
      failed: 'TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
    });
    const [plain, server] = await Promise.all([dial(listener.port), listener.accept()]);
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const transport = serverTransport({ credentials: () => ({ certificate: serverCertificate }) });
    expect(await handshake(transport, server)).toEqual({
      failed: 'TLS_error:|268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end',
    });
  });

  it('tells a peer that resets the connection from one that ends it, and counts neither', async () => {
    const client = clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) });
    const server = serverTransport({ credentials: () => ({ certificate: serverCertificate }) });
    const endedBy = async (
      transport: TransportSocket,
      leaves: 'near' | 'far',
      how: 'reset' | 'end',
    ): Promise<string> => {
      const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
      const [stays, goes] = leaves === 'far' ? [near, far] : [far, near];
      const outcome = handshake(transport, stays);
      if (how === 'reset') goes.resetAndDestroy();
      else goes.destroy();
      const ended = await outcome;
      return 'failed' in ended ? ended.failed : 'secured';
    };
    const reset = 'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end';
    expect(await endedBy(client, 'far', 'reset')).toBe(reset);
    expect(await endedBy(server, 'near', 'reset')).toBe(reset);
    expect(await endedBy(server, 'near', 'end')).toBe('');
    expect(handshakeCounter(reset)).toBeUndefined();
  });

  it('honours the lowest version, and goes on without ALPN when nothing of it is served', async () => {
    const credentials = () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem });
    const old = clientTransport({
      credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }),
      parameters: { max: 'TLSv1.2' },
    });
    const refused = await meet(listener, old, serverTransport({ credentials, parameters: { min: 'TLSv1.3' } }));
    expect(refused.client).toMatchObject({ failed: expect.stringContaining('TLSV1_ALERT_PROTOCOL_VERSION') });
    const accepted = await meet(listener, old, serverTransport({ credentials }));
    const { version, cipher } = secured(accepted.client).tls ?? {};
    expect([version, cipher]).toEqual(['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256']);
    // A session that a ticket stands for has an id on the client's side alone, and Node tells the group to clients.
    expect(secured(accepted.client).tls?.sessionId).toMatch(/^[0-9a-f]{64}$/);
    expect(secured(accepted.client).tls?.group).toBe('X25519');
    expect(secured(accepted.server).tls).toMatchObject({ sessionId: '', group: '' });
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const other = clientTransport({
      credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }),
      alpn: ['h2'],
    });
    const server = serverTransport({ credentials });
    const outcome = handshake(other, near);
    server.handshake(far, { secured: () => undefined, failed: () => undefined }, { alpn: ['h2'], takesTickets: true });
    expect(secured(await outcome).tls?.alpn).toBe('');
  });

  it('takes the new certificate for new connections while old ones live on', async () => {
    let current = serverCertificate;
    const client = clientTransport({ credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }) });
    const server = serverTransport({ credentials: () => ({ certificate: current, rootsPem: ca.rootsPem }) });
    const before = await meet(listener, client, server);
    current = await ca.issue({ uris: [SERVER_ID] });
    const after = await meet(listener, client, server);
    expect(secured(after.client).tls?.peerCertificateHash).not.toBe(secured(before.client).tls?.peerCertificateHash);
    secured(before.client).socket.write('still here');
    expect(await heard(secured(before.server).socket)).toBe('still here');
  });
});

describe('a host pool over TLS', () => {
  it('carries a request and tells the peer', async () => {
    const transport = serverTransport({
      credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
    });
    const pool = createHostPool({
      connect: () => {
        void listener.accept().then(async (far) => {
          const { socket } = secured(await handshake(transport, far));
          socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
        });
        return connect(listener.port, '127.0.0.1');
      },
      transport: clientTransport({
        credentials: () => ({ certificate: clientCertificate, rootsPem: ca.rootsPem }),
      }),
      connectTimeoutMs: 5000,
      clock: systemClock(),
      breakers: createCircuitBreakers(),
    });
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.body).toBe('ok');
    expect(call.stream?.tls?.peerSpiffeId).toBe(SERVER_ID);
    pool.close();
  });

  it('resets the stream with the alert when the server refuses the client after the handshake', async () => {
    const transport = serverTransport({
      credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
    });
    const pool = createHostPool({
      connect: () => {
        void listener.accept().then((far) => handshake(transport, far));
        return connect(listener.port, '127.0.0.1');
      },
      transport: clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) }),
      connectTimeoutMs: 5000,
      clock: systemClock(),
      breakers: createCircuitBreakers(),
    });
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.resetReason).toEqual({
      reason: 'connection_termination',
      detail: 'TLS_error:|268436572:SSL routines:OPENSSL_internal:TLSV1_ALERT_CERTIFICATE_REQUIRED:TLS_error_end',
    });
    expect(pool.activeConnections).toBe(0);
  });

  it.each([
    ['of a foreign CA', 'TLSV1_ALERT_UNKNOWN_CA', 1048, () => otherCa.issue({ uris: [CLIENT_ID] })],
    [
      'that has expired',
      'SSLV3_ALERT_CERTIFICATE_EXPIRED',
      1045,
      () => ca.issue({ uris: [CLIENT_ID], notAfterMs: Date.now() - 1000 }),
    ],
  ])('resets the stream with the alert for a client certificate %s', async (_what, alert, reason, issue) => {
    const certificate = await issue();
    const transport = serverTransport({
      credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
    });
    const pool = createHostPool({
      connect: () => {
        void listener.accept().then((far) => handshake(transport, far));
        return connect(listener.port, '127.0.0.1');
      },
      transport: clientTransport({ credentials: () => ({ certificate, rootsPem: ca.rootsPem }) }),
      connectTimeoutMs: 5000,
      clock: systemClock(),
      breakers: createCircuitBreakers(),
    });
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.resetReason).toEqual({
      reason: 'connection_termination',
      detail: `TLS_error:|${0x10000000 + reason}:SSL routines:OPENSSL_internal:${alert}:TLS_error_end`,
    });
    pool.close();
  });

  it('fails the waiting request with the reason of the handshake', async () => {
    const pool = createHostPool({
      connect: () => {
        void listener.accept().then(async (far) => {
          far.end('not TLS at all');
          await once(far, 'close');
        });
        return connect(listener.port, '127.0.0.1');
      },
      transport: clientTransport({ credentials: () => ({ rootsPem: ca.rootsPem }) }),
      connectTimeoutMs: 5000,
      clock: systemClock(),
      breakers: createCircuitBreakers(),
    });
    const call = await new Call(pool).decided();
    expect(call.failure).toEqual({
      reason: 'remote_connection_failure',
      detail: 'TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
    });
  });
});
