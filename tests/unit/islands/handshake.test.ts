import { expect, test } from 'vitest';
import type { CertificateView, HandshakeView } from '#contract';
import { connectionsOf, stepsOf } from '../../../src/islands/certificates/connections.ts';

const certificate = (name: string): CertificateView => ({
  subject: '',
  issuer: 'O=cluster.local',
  serial: '0a',
  notBeforeMs: 0,
  notAfterMs: 1,
  names: [`URI:${name}`],
  key: 'ECDSA P-256',
  isCa: false,
  sha256: name,
});
const root = { ...certificate('root'), subject: 'CN=root', isCa: true };

const side = (more: Partial<HandshakeView>): HandshakeView => ({
  pod: 'reviews-v1-7c9d8f6b5-x2k4q',
  side: 'client',
  peer: 'upstream',
  reused: false,
  offered: { serverName: 'outbound_.9080_._.ratings', alpn: ['istio'], versions: ['TLSv1.3'] },
  agreed: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'istio' },
  own: [certificate('spiffe://td/ns/default/sa/reviews')],
  shown: [certificate('spiffe://td/ns/default/sa/ratings')],
  anchor: root,
  bundle: 1,
  expected: ['exactly "spiffe://td/ns/default/sa/ratings"'],
  names: ['spiffe://td/ns/default/sa/ratings'],
  ...more,
});
const client = side({});
const server = side({
  pod: 'ratings-v1-7c9d8f6b5-x2k4q',
  side: 'server',
  peer: 'downstream',
  shown: client.own,
  own: client.shown,
  expected: [],
});

test('the records of both sides are one connection', () => {
  expect(connectionsOf([client, server])).toEqual([{ key: `${client.pod} client`, client, server }]);
  expect(connectionsOf([server, client])).toHaveLength(2);
  // A proxy that does not tell what it said.
  const untold = side({ offered: { serverName: '', alpn: [], versions: [] } });
  expect(connectionsOf([untold, server])).toHaveLength(1);
});

test('a handshake that went well is read from hello to finished, both certificates judged', () => {
  const steps = stepsOf({ key: '', client, server });
  expect(steps.map(({ title }) => title)).toEqual([
    'ClientHello',
    'ServerHello',
    'Certificate of the server',
    'Certificate of the client',
    'Finished',
  ]);
  expect(steps.map(({ verdict }) => verdict?.good)).toEqual([undefined, undefined, true, true, undefined]);
  expect(steps[2]?.verdict?.words).toContain('reviews v1 verified it: signed by CN=root, one of 1 root');
  expect(steps[3]?.verdict?.words).toContain('any name would do');
});

test('a client without a certificate is said to be unknown', () => {
  const steps = stepsOf({ key: '', client: undefined, server: side({ side: 'server', shown: [] }) });
  expect(steps.map(({ title }) => title)).toContain('No certificate of the client');
});

test('a chain that no root signed, or that proves another name, ends the handshake with its reason', () => {
  const { agreed: _agreed, anchor: _anchor, ...unsigned } = side({ failure: 'TLS_error:…:TLS_error_end' });
  const steps = stepsOf({ key: '', client: unsigned, server: undefined });
  expect(steps.at(-1)).toMatchObject({ title: 'Broken off', stop: true, facts: [['Reason', unsigned.failure]] });
  expect(steps.find(({ chain }) => chain)?.verdict).toEqual({
    good: false,
    words: 'none of the 1 roots in the bundle of reviews v1 signed it',
  });
  const misnamed = stepsOf({
    key: '',
    client: side({ failure: 'verify cert failed: SAN matcher' }),
    server: undefined,
  });
  expect(misnamed.find(({ verdict }) => verdict)?.verdict?.words).toContain('and wanted was exactly');
});
