import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import type { KubeObject } from '#domain';
import { manualClock } from '../../support/manual-clock.ts';
import { gateway, grant, namespace, shown, statusesOf } from './statuses-of.ts';

const authority = createClusterAuthority({ clock: manualClock() });
const { certPem, keyPem } = authority.issue(['shop.example.com']);
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

const secret = (name: string, fields: Record<string, string>, of = 'default'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: of },
  data: Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
});

const roots = (name: string, fields: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: fields,
});

const pair = { 'tls.crt': certPem, 'tls.key': keyPem };
const world: readonly KubeObject[] = [
  secret('good', pair),
  secret('generic', { cert: certPem, key: keyPem }),
  secret('mixed', { ...pair, 'tls.key': String(otherKey) }),
  secret('garbage', { 'tls.crt': 'x', 'tls.key': 'y' }),
  secret('blank', { 'tls.crt': '', 'tls.key': '' }),
  secret('other', { password: 'x' }),
  secret('far', pair, 'closed'),
  secret('near', pair, 'open'),
  secret('named', pair, 'picky'),
  roots('ca', { 'ca.crt': authority.caPem }),
  roots('nonsense', { 'ca.crt': 'x' }),
  roots('keyless', { other: 'x' }),
  {
    ...grant(
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' },
      { group: '', kind: 'Secret' },
      'open',
    ),
  },
  {
    ...grant(
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' },
      { group: '', kind: 'Secret', name: 'another' },
      'picky',
    ),
  },
  namespace('default'),
];

const GOOD = 'Accepted Conflicted Programmed ResolvedRefs';
const BAD_CERTIFICATE = 'Accepted Conflicted Programmed=Invalid ResolvedRefs=InvalidCertificateRef';
const https = (...certificateRefs: object[]) => ({
  protocol: 'HTTPS',
  port: 443,
  tls: { mode: 'Terminate', certificateRefs },
});

const statusOf = (listener: object, spec: object = {}) =>
  statusesOf([
    ...world,
    gateway({ ...spec, listeners: [{ name: 'one', port: 80, protocol: 'HTTP', ...listener }] }),
  ]).get('Gateway/gw')?.listeners?.[0];

describe('a listener’s conditions', () => {
  const rows: readonly (readonly [what: string, listener: object, expected: string])[] = [
    ['plain HTTP', {}, GOOD],
    ['TCP', { protocol: 'TCP' }, GOOD],
    ['TLS passed on', { protocol: 'TLS', tls: { mode: 'Passthrough' } }, GOOD],
    [
      'UDP, which Istio does not serve',
      { protocol: 'UDP' },
      'Accepted=UnsupportedProtocol Conflicted Programmed ResolvedRefs',
    ],
    [
      'a protocol in lower case',
      { protocol: 'http' },
      'Accepted=UnsupportedProtocol Conflicted Programmed ResolvedRefs',
    ],
    [
      'a protocol of somebody else',
      { protocol: 'example.com/x' },
      'Accepted=UnsupportedProtocol Conflicted Programmed ResolvedRefs',
    ],
    [
      'HBONE outside a waypoint',
      { protocol: 'HBONE', port: 15008 },
      'Accepted=UnsupportedProtocol Conflicted Programmed ResolvedRefs',
    ],
    ['HTTPS with a certificate', https({ name: 'good' }), GOOD],
    ['HTTPS with a Secret of kind Opaque', https({ name: 'generic' }), GOOD],
    [
      'HTTPS with its certificate named in full',
      https({ group: '', kind: 'Secret', name: 'good', namespace: 'default' }),
      GOOD,
    ],
    ['HTTPS with two certificates', https({ name: 'good' }, { name: 'generic' }), GOOD],
    ['HTTPS with one good certificate and one that is missing', https({ name: 'good' }, { name: 'nope' }), GOOD],
    ['HTTPS with three certificates', https({ name: 'good' }, { name: 'good' }, { name: 'good' }), BAD_CERTIFICATE],
    ['HTTPS with a missing Secret', https({ name: 'nope' }), BAD_CERTIFICATE],
    ['HTTPS with another’s key', https({ name: 'mixed' }), BAD_CERTIFICATE],
    ['HTTPS with a Secret that holds no PEM', https({ name: 'garbage' }), BAD_CERTIFICATE],
    ['HTTPS with an empty Secret', https({ name: 'blank' }), BAD_CERTIFICATE],
    ['HTTPS with a Secret of other fields', https({ name: 'other' }), BAD_CERTIFICATE],
    ['HTTPS with a ConfigMap as certificate', https({ group: '', kind: 'ConfigMap', name: 'ca' }), BAD_CERTIFICATE],
    [
      'HTTPS with a certificate of an unknown group',
      https({ group: 'example.com', kind: 'Secret', name: 'good' }),
      BAD_CERTIFICATE,
    ],
    [
      'HTTPS with a Secret of a namespace that grants nothing',
      https({ name: 'far', namespace: 'closed' }),
      'Accepted=NoValidCACertificate Conflicted Programmed=Invalid ResolvedRefs=RefNotPermitted',
    ],
    ['HTTPS with a Secret of a namespace that grants it', https({ name: 'near', namespace: 'open' }), GOOD],
    [
      'HTTPS with a Secret where another one is granted',
      https({ name: 'named', namespace: 'picky' }),
      'Accepted=NoValidCACertificate Conflicted Programmed=Invalid ResolvedRefs=RefNotPermitted',
    ],
    [
      'HTTPS with the mesh’s own certificate',
      {
        protocol: 'HTTPS',
        tls: { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
      },
      GOOD,
    ],
    ['HTTPS without TLS settings, a placeholder', { protocol: 'HTTPS' }, GOOD],
    ['a kind that the protocol carries', { allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } }, GOOD],
    [
      'a kind that the protocol cannot carry',
      { allowedRoutes: { kinds: [{ kind: 'TCPRoute' }] } },
      'Accepted Conflicted Programmed ResolvedRefs=InvalidRouteKinds',
    ],
    [
      'a good and a bad kind',
      { allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }, { kind: 'TLSRoute' }] } },
      'Accepted Conflicted Programmed ResolvedRefs=InvalidRouteKinds',
    ],
    [
      'a kind of an unknown group',
      { allowedRoutes: { kinds: [{ group: 'example.com', kind: 'HTTPRoute' }] } },
      'Accepted Conflicted Programmed ResolvedRefs=InvalidRouteKinds',
    ],
  ];
  it.each(rows)('%s', (_, listener, expected) => {
    expect(shown(statusOf(listener)?.conditions)).toBe(expected);
  });
});

describe('a listener that verifies clients', () => {
  const refused = (reason: string) =>
    `Accepted=NoValidCACertificate Conflicted Programmed=Invalid ResolvedRefs=${reason}`;
  const rows: readonly (readonly [what: string, references: readonly object[], expected: string])[] = [
    ['by the roots of a ConfigMap', [{ group: '', kind: 'ConfigMap', name: 'ca' }], GOOD],
    ['by roots that are missing', [{ group: '', kind: 'ConfigMap', name: 'nope' }], refused('InvalidCACertificateRef')],
    [
      'by roots that are no certificates',
      [{ group: '', kind: 'ConfigMap', name: 'nonsense' }],
      refused('InvalidCACertificateRef'),
    ],
    [
      'by a ConfigMap without roots',
      [{ group: '', kind: 'ConfigMap', name: 'keyless' }],
      refused('InvalidCACertificateRef'),
    ],
    [
      'by a kind that holds no roots',
      [{ group: '', kind: 'Service', name: 'ca' }],
      refused('InvalidCACertificateKind'),
    ],
    [
      'by two sets of roots',
      [
        { group: '', kind: 'ConfigMap', name: 'ca' },
        { group: '', kind: 'ConfigMap', name: 'ca' },
      ],
      refused('InvalidCACertificateRef'),
    ],
    [
      'by roots of a namespace that grants nothing',
      [{ group: '', kind: 'ConfigMap', name: 'ca', namespace: 'closed' }],
      refused('InvalidCACertificateRef'),
    ],
  ];
  it.each(rows)('%s', (_, caCertificateRefs, expected) => {
    const tls = { frontend: { default: { validation: { caCertificateRefs } } } };
    expect(shown(statusOf(https({ name: 'good' }), { tls })?.conditions)).toBe(expected);
  });
});

describe('the kinds of routes that a listener supports', () => {
  const rows: readonly (readonly [what: string, listener: object, kinds: readonly string[]])[] = [
    ['HTTP', {}, ['HTTPRoute', 'GRPCRoute']],
    ['HTTPS', https({ name: 'good' }), ['HTTPRoute', 'GRPCRoute']],
    ['TCP', { protocol: 'TCP' }, ['TCPRoute']],
    ['TLS passed on', { protocol: 'TLS', tls: { mode: 'Passthrough' } }, ['TLSRoute']],
    [
      'TLS that ends here',
      { protocol: 'TLS', tls: { mode: 'Terminate', certificateRefs: [{ name: 'good' }] } },
      ['TLSRoute', 'TCPRoute'],
    ],
    ['UDP', { protocol: 'UDP' }, []],
    ['HTTP, narrowed', { allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } }, ['GRPCRoute']],
    ['HTTP, narrowed to nothing that it carries', { allowedRoutes: { kinds: [{ kind: 'UDPRoute' }] } }, []],
  ];
  it.each(rows)('%s', (_, listener, kinds) => {
    expect(statusOf(listener)?.supportedKinds.map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe('two listeners of one Gateway', () => {
  const HOSTS = 'Accepted=HostnameConflict Conflicted=HostnameConflict Programmed=HostnameConflict';
  const PROTOCOLS = 'Accepted=ProtocolConflict Conflicted=ProtocolConflict Programmed=ProtocolConflict';
  const rows: readonly (readonly [what: string, first: object, second: object, expected: string])[] = [
    ['with the same host', { hostname: 'a.com' }, { hostname: 'a.com' }, HOSTS],
    ['without hosts', {}, {}, HOSTS],
    ['of which one has a host', {}, { hostname: 'a.com' }, GOOD],
    ['with hosts of which one holds the other', { hostname: '*.com' }, { hostname: 'a.com' }, GOOD],
    ['on different ports', {}, { port: 81 }, GOOD],
    [
      'with one host and two protocols',
      { hostname: 'a.com', ...https({ name: 'good' }) },
      { port: 443, hostname: 'a.com', protocol: 'TLS', tls: { mode: 'Passthrough' } },
      PROTOCOLS,
    ],
    [
      'with two hosts and two protocols',
      { hostname: 'a.com', ...https({ name: 'good' }) },
      { port: 443, hostname: 'b.com', protocol: 'TLS', tls: { mode: 'Passthrough' } },
      GOOD,
    ],
    ['of HTTP and TCP', {}, { protocol: 'TCP' }, PROTOCOLS],
    ['of TCP', { protocol: 'TCP' }, { protocol: 'TCP' }, PROTOCOLS],
    ['of TCP and UDP', { protocol: 'TCP' }, { protocol: 'UDP' }, PROTOCOLS],
  ];
  it.each(rows)('%s', (_, first, second, expected) => {
    const listeners = [
      { name: 'one', port: 80, protocol: 'HTTP', ...first },
      { name: 'two', port: 80, protocol: 'HTTP', ...second },
    ];
    const status = statusesOf([...world, gateway({ listeners })]).get('Gateway/gw');
    expect(shown(status?.listeners?.[0]?.conditions)).toBe(GOOD);
    expect(shown(status?.listeners?.[1]?.conditions)).toBe(expected);
  });
});
