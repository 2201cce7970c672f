import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cipherList,
  DEFAULT_CIPHERS,
  rankCiphers,
  unknownCiphers,
} from '../../../server/data-plane/tls/cipher-suites.ts';
import type { SecuredSocket, TlsParameters } from '../../../server/data-plane/tls/index.ts';
import { createTestCa, type TestCa, type TestCertificate } from './certificates.ts';
import {
  clientTransport,
  dial,
  handshake,
  inspected,
  type Listener,
  serverTransport,
  startListener,
} from './harness.ts';

const NEWEST = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

describe('a list of cipher suites', () => {
  it.each([
    [['ECDHE-RSA-AES256-SHA', 'AES128-SHA'], 'ECDHE-RSA-AES256-SHA:AES128-SHA'],
    [['AES128-SHA:TLS_RSA_WITH_AES_256_CBC_SHA'], 'AES128-SHA:AES256-SHA'],
    [['ECDHE+AESGCM', '-ECDHE-RSA-AES256-GCM-SHA384', '!ECDSA', 'ECDSA'], 'ECDHE-RSA-AES128-GCM-SHA256'],
    [['AES128-SHA', 'AES256-SHA', '+AES128-SHA'], 'AES256-SHA:AES128-SHA'],
  ])('%j is %s', (rules, list) => {
    expect(cipherList(rankCiphers(rules))).toBe(`${NEWEST}:${list}`);
  });

  it('lets the client choose among suites of equal rank, and of TLS 1.3', () => {
    const [chacha20, aes256] = [0xcca8, 0x1302];
    expect(cipherList(DEFAULT_CIPHERS, [aes256, 0xc030, chacha20])).toBe(
      'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:' +
        'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:' +
        'ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:' +
        'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
    );
  });

  it('names what is no suite', () => {
    expect(unknownCiphers(['ALL', 'nope', '!RC4', '[AES128-SHA|other]', '@STRENGTH'])).toEqual([
      'nope',
      'RC4',
      'other',
      '@STRENGTH',
    ]);
  });
});

describe('what a server and its client agree on', () => {
  let listener: Listener;
  let ca: TestCa;
  let certificates: readonly [TestCertificate, TestCertificate];
  beforeAll(async () => {
    [listener, ca] = [await startListener(), await createTestCa()];
    certificates = [await ca.issue({ dns: ['a'], rsa: true }), await ca.issue({ dns: ['a'] })];
  });
  afterAll(() => listener.close());

  async function agreed(parameters: TlsParameters, client: ConnectionOptions): Promise<string> {
    const [certificate, second] = certificates;
    const server = serverTransport({
      credentials: () => ({ certificate, further: [second] }),
      requireClientCertificate: false,
      alpn: [],
      parameters,
    });
    const socket = connectTls({ port: listener.port, servername: 'a', ca: ca.rootsPem, ...client });
    const far = await listener.accept();
    const told = once(socket, 'secureConnect').then(
      () => tellOf(socket),
      (error: Error) => /alert ([a-z ]+):/.exec(error.message)?.[1] ?? error.message,
    );
    const served = Promise.withResolvers<string | undefined>();
    const waiter = {
      secured: ({ tls }: SecuredSocket) => served.resolve(tls?.group),
      failed: () => served.resolve(undefined),
    };
    server.handshake(far, waiter, await inspected(far, false));
    const text = await told;
    // What the client knows of the group the server finds out by what both offered.
    if (text.startsWith('TLS')) expect(await served.promise).toBe(groupOf(socket));
    socket.destroy();
    return text;
  }

  const tellOf = (socket: TLSSocket): string => {
    const { name = '' } = socket.getEphemeralKeyInfo() as { name?: string };
    const key = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
    return [socket.getProtocol(), socket.getCipher().name, name, key].join(' ');
  };
  const groupOf = (socket: TLSSocket): string => {
    const { name = '' } = socket.getEphemeralKeyInfo() as { name?: string };
    return name === 'secp384r1' ? 'P-384' : name;
  };
  const old = (ciphers: string, maxVersion: ConnectionOptions['maxVersion'] = 'TLSv1.2'): ConnectionOptions => ({
    ciphers: `${ciphers}:@SECLEVEL=0`,
    maxVersion,
    minVersion: 'TLSv1',
  });

  it.each([
    [
      'the server’s order of suites',
      {},
      old('ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256'),
      'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 X25519 rsa',
    ],
    [
      'elliptic curves before RSA',
      {},
      { sigalgs: 'RSA-PSS+SHA256:ECDSA+SHA256' },
      'TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768 ec',
    ],
    ['no suite without forward secrecy', {}, old('AES128-GCM-SHA256'), 'handshake failure'],
    ['no group but three', {}, { ecdhCurve: 'P-384' }, 'handshake failure'],
    ['the server’s order of groups', {}, { ecdhCurve: 'P-256:X25519' }, 'TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 ec'],
    ['groups that are named', { groups: ['P-384'] }, {}, 'TLSv1.3 TLS_AES_256_GCM_SHA384 secp384r1 ec'],
    ['suites that are named', { ciphers: rankCiphers(['AES128-SHA']) }, old('ALL'), 'TLSv1.2 AES128-SHA  rsa'],
    ['TLS 1.2 at least', {}, old('ALL', 'TLSv1.1'), 'protocol version'],
    [
      'TLS 1.0 where it is asked for',
      { min: 'TLSv1', ciphers: rankCiphers(['ECDHE-RSA-AES128-SHA']) },
      old('ALL', 'TLSv1'),
      'TLSv1 ECDHE-RSA-AES128-SHA X25519 rsa',
    ],
    ['no TLS 1.0 with suites of TLS 1.2 alone', { min: 'TLSv1' }, old('ALL', 'TLSv1'), 'handshake failure'],
  ] as const)('%s', async (_, parameters, client, wanted) => {
    expect(await agreed(parameters, client)).toBe(wanted);
  });

  it('is offered by a client of ours as Envoy offers it', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const credentials = () => ({ rootsPem: ca.rootsPem });
    void handshake(clientTransport({ credentials }), near);
    const { ciphers } = await inspected(far, false);
    // The last says that the connection can be renegotiated safely.
    expect(ciphers.filter((id) => id !== 0xff)).toEqual([
      0x1301, 0x1302, 0x1303, 0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc02c, 0xc030,
    ]);
  });
});
