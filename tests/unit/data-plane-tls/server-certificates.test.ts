import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createServerTransport, SecureContexts } from '../../../server/data-plane/tls/index.ts';
import { systemClock } from '../../../server/system.ts';
import { createTestCa, type TestCertificate } from './certificates.ts';

let server: Server;
let certificates: Record<'ec' | 'rsa' | 'other' | 'later', TestCertificate>;

const EC = 'ecdsa_secp256r1_sha256';
const RSA = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256';

beforeAll(async () => {
  const ca = await createTestCa();
  certificates = {
    ec: await ca.issue({ dns: ['shop.example', '*.shop.example'] }),
    rsa: await ca.issue({ dns: ['shop.example', '*.shop.example'], rsa: true }),
    other: await ca.issue({ dns: ['other.example'] }),
    later: await ca.issue({ dns: ['shop.example'] }),
  };
  const { ec, rsa, other, later } = certificates;
  const transport = createServerTransport({
    contexts: new SecureContexts(),
    clock: systemClock(),
    credentials: () => ({ certificate: ec, further: [rsa, other, later] }),
    alpn: [],
    requireClientCertificate: false,
  });
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    // What the inspector of the listener would have read of the client's hello.
    const serverName = names.shift() ?? '';
    const offered = { alpn: [], takesTickets: true, serverName };
    transport.handshake(socket, { secured: () => undefined, failed: () => undefined }, offered);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server?.close());

const names: string[] = [];

/** Which certificate a client is shown, or how its handshake fails. */
function shown(servername: string, sigalgs?: string): Promise<string> {
  names.push(servername);
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      servername,
      rejectUnauthorized: false,
      ...(sigalgs !== undefined && { sigalgs }),
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('secureConnect', () => {
      const pem = socket.getPeerX509Certificate()?.toString().replaceAll(/\s/g, '');
      socket.destroy();
      const found = Object.entries(certificates).find(([, { chainPem }]) => chainPem.replaceAll(/\s/g, '') === pem);
      resolve(found?.[0] ?? 'none');
    });
  });
}

it.each([
  ['shop.example', EC, 'ec'],
  ['shop.example', RSA, 'rsa'],
  ['a.shop.example', RSA, 'rsa'],
  ['other.example', EC, 'other'],
  ['', RSA, 'rsa'],
  ['', EC, 'ec'],
  ['unknown.example', EC, 'ec'],
])('for the name "%s" and the algorithms %s is %s', async (name, sigalgs, certificate) => {
  expect(await shown(name, sigalgs)).toBe(certificate);
});

it('fails where the one certificate of a name has a key that the client cannot verify', async () => {
  expect(await shown('other.example', RSA)).toMatch(/^(ERR_SSL_|ECONNRESET)/);
});
