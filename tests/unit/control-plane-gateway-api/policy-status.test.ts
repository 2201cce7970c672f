import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { GATEWAY_API, gateway, route, service, shown, statusesOf } from './statuses-of.ts';

const policy = (spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: GATEWAY_API,
  kind: 'BackendTLSPolicy',
  metadata: { name: 'policy', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name: 'tls' }],
    validation: { hostname: 'tls.example.com', ...spec },
    ...spec,
  },
});

const configMap = (name: string, data: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

const world: readonly KubeObject[] = [
  service('tls', { ports: [{ name: 'https', port: 443 }] }),
  configMap('roots', { 'ca.crt': 'PEM' }),
  configMap('keyless', {}),
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret', namespace: 'default' } },
  gateway({ listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }),
];
const GOOD = 'Accepted ResolvedRefs';
const target = (part: object) => ({ targetRefs: [{ group: '', kind: 'Service', name: 'tls', ...part }] });
const roots = (...caCertificateRefs: object[]) => ({ validation: { hostname: 'x', caCertificateRefs } });
const ancestorsOf = (...objects: KubeObject[]) =>
  statusesOf([...world, ...objects]).get('BackendTLSPolicy/policy')?.ancestors;

describe('a BackendTLSPolicy', () => {
  const rows: readonly (readonly [what: string, spec: object, expected: string])[] = [
    ['with the system’s roots', { validation: { hostname: 'x', wellKnownCACertificates: 'System' } }, GOOD],
    ['with the roots of a ConfigMap', roots({ group: '', kind: 'ConfigMap', name: 'roots' }), GOOD],
    [
      'with two sets of roots, of which one is taken',
      roots({ group: '', kind: 'ConfigMap', name: 'roots' }, { group: '', kind: 'ConfigMap', name: 'x' }),
      GOOD,
    ],
    [
      'with roots that are missing',
      roots({ group: '', kind: 'ConfigMap', name: 'nope' }),
      'Accepted=NoValidCACertificate ResolvedRefs=InvalidCACertificateRef',
    ],
    [
      'with a ConfigMap without roots',
      roots({ group: '', kind: 'ConfigMap', name: 'keyless' }),
      'Accepted=NoValidCACertificate ResolvedRefs=InvalidCACertificateRef',
    ],
    [
      'with the roots of a Secret',
      roots({ group: '', kind: 'Secret', name: 'secret' }),
      'Accepted=NoValidCACertificate ResolvedRefs=InvalidKind',
    ],
    [
      'with roots of an unknown kind',
      roots({ group: 'example.com', kind: 'X', name: 'x' }),
      'Accepted=NoValidCACertificate ResolvedRefs=InvalidKind',
    ],
    [
      'with well-known roots that nobody knows',
      { validation: { hostname: 'x', wellKnownCACertificates: 'Other' } },
      'Accepted=Invalid ResolvedRefs',
    ],
    ['for one port', target({ sectionName: 'https' }), GOOD],
    ['for a port that is not there', target({ sectionName: 'nope' }), 'Accepted=TargetNotFound ResolvedRefs'],
    ['for a Service that is not there', target({ name: 'nope' }), 'Accepted=TargetNotFound ResolvedRefs'],
    [
      'for a kind that has no backends',
      target({ kind: 'ConfigMap', name: 'roots' }),
      'Accepted=TargetNotFound ResolvedRefs',
    ],
    ['for an unknown kind', target({ group: 'example.com', kind: 'X' }), 'Accepted=TargetNotFound ResolvedRefs'],
  ];
  it.each(rows)('%s', (_, spec, expected) => {
    const [ancestor] = ancestorsOf(policy(spec)) ?? [];
    expect(shown(ancestor?.conditions)).toBe(expected);
    expect(ancestor?.controllerName).toBe('istio.io/mesh-controller');
  });

  it('tells of a target that is not there in those after it too', () => {
    const [good, missing] = ['tls', 'nope'].map((name) => ({ group: '', kind: 'Service', name }));
    const states = (targetRefs: unknown) => ancestorsOf(policy({ targetRefs }))?.map((each) => shown(each.conditions));
    const bad = 'Accepted=TargetNotFound ResolvedRefs';
    expect(states([missing, good])).toEqual([bad, bad]);
    expect(states([good, missing])).toEqual([GOOD, bad]);
  });

  it('gives way to an older one with the same target', () => {
    const older = policy({}, { name: 'older', creationTimestamp: '2025-01-01T00:00:00Z' });
    expect(shown(ancestorsOf(policy({}), older)?.[0]?.conditions)).toBe('Accepted=Conflicted ResolvedRefs');
    const elsewhere = policy(target({ sectionName: 'https' }), {
      name: 'older',
      creationTimestamp: '2025-01-01T00:00:00Z',
    });
    expect(shown(ancestorsOf(policy({}), elsewhere)?.[0]?.conditions)).toBe(GOOD);
  });

  it('speaks for each Gateway that sends to its target', () => {
    const sends = route('HTTPRoute', { rules: [{ backendRefs: [{ name: 'tls', port: 443 }] }] });
    expect(
      ancestorsOf(policy({}), sends)?.map(({ ancestorRef, controllerName }) => [ancestorRef['kind'], controllerName]),
    ).toEqual([
      ['Service', 'istio.io/mesh-controller'],
      ['Gateway', 'istio.io/gateway-controller'],
    ]);
  });

  it('says when an annotation takes it out of force', () => {
    const ignored = policy({}, { annotations: { 'istio.io/ignore-policy-attachment': 'true' } });
    expect(shown(ancestorsOf(ignored)?.[0]?.conditions)).toBe('Accepted=IgnoredByIstio');
  });

  it('reports at most sixteen ancestors', () => {
    const targetRefs = Array.from({ length: 20 }, (_, i) => ({ group: '', kind: 'Service', name: `s${i}` }));
    expect(ancestorsOf(policy({ targetRefs }))).toHaveLength(16);
  });
});
