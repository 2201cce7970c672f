import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { gateway, grant, namespace, route, service, shown, statusesOf } from './statuses-of.ts';

const entry: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'ext', namespace: 'default' },
  spec: { hosts: ['ext.example.org'], ports: [{ name: 'http', number: 80 }] },
};

const world: readonly KubeObject[] = [
  namespace('default'),
  namespace('team', { tier: 'gold' }),
  namespace('guests'),
  service('web'),
  service('api'),
  service('far', {}, 'closed'),
  service('near', {}, 'open'),
  service('named', {}, 'picky'),
  service('web', {}, 'team'),
  entry,
  grant(
    { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' },
    { group: '', kind: 'Service' },
    'open',
  ),
  grant(
    { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' },
    { group: '', kind: 'Service', name: 'named' },
    'picky',
  ),
  gateway({
    listeners: [
      { name: 'any', port: 80, protocol: 'HTTP' },
      { name: 'shop', port: 81, protocol: 'HTTP', hostname: '*.shop.com' },
      { name: 'all', port: 82, protocol: 'HTTP', hostname: 'all.com', allowedRoutes: { namespaces: { from: 'All' } } },
      {
        name: 'gold',
        port: 83,
        protocol: 'HTTP',
        hostname: 'gold.com',
        allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { tier: 'gold' } } } },
      },
      { name: 'calls', port: 84, protocol: 'HTTP', allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } },
      { name: 'tcp', port: 90, protocol: 'TCP' },
      { name: 'tls', port: 91, protocol: 'TLS', hostname: 'tls.com', tls: { mode: 'Passthrough' } },
    ],
  }),
];

const GOOD = 'Accepted ResolvedRefs';
const web = { backendRefs: [{ name: 'web', port: 80 }] };
const sameGateway = (part: object) => ({ parentRefs: [{ name: 'gw', ...part }], rules: [web] });

const parentsOf = (object: KubeObject) => statusesOf([...world, object]).get(`${object.kind}/web`)?.parents ?? [];

describe('a route and its parent', () => {
  const rows: readonly (readonly [what: string, kind: string, spec: object, expected: string, namespace?: string])[] = [
    ['a whole Gateway', 'HTTPRoute', sameGateway({}), GOOD],
    ['one listener', 'HTTPRoute', sameGateway({ sectionName: 'any' }), GOOD],
    ['one port', 'HTTPRoute', sameGateway({ port: 80 }), GOOD],
    ['listener and port', 'HTTPRoute', sameGateway({ sectionName: 'any', port: 80 }), GOOD],
    [
      'a listener on another port',
      'HTTPRoute',
      sameGateway({ sectionName: 'any', port: 81 }),
      'Accepted=NoMatchingParent ResolvedRefs',
    ],
    [
      'a listener that is not there',
      'HTTPRoute',
      sameGateway({ sectionName: 'nope' }),
      'Accepted=NoMatchingParent ResolvedRefs',
    ],
    ['a port that is not there', 'HTTPRoute', sameGateway({ port: 99 }), 'Accepted=NoMatchingParent ResolvedRefs'],
    [
      'a host that the listener has',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'shop' }), hostnames: ['a.shop.com'] },
      GOOD,
    ],
    [
      'a wildcard host that holds the listener’s',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'shop' }), hostnames: ['*.com'] },
      GOOD,
    ],
    [
      'one of several hosts that the listener has',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'shop' }), hostnames: ['x.org', 'a.shop.com'] },
      GOOD,
    ],
    [
      'hosts that the listener does not have',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'shop' }), hostnames: ['a.com'] },
      'Accepted=NoMatchingListenerHostname ResolvedRefs',
    ],
    [
      'the apex of a wildcard',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'shop' }), hostnames: ['shop.com'] },
      'Accepted=NoMatchingListenerHostname ResolvedRefs',
    ],
    [
      'another namespace, which the listener shuts out',
      'HTTPRoute',
      sameGateway({ sectionName: 'any', namespace: 'default' }),
      'Accepted=NotAllowedByListeners ResolvedRefs',
      'team',
    ],
    [
      'another namespace, where all are let in',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'all', namespace: 'default' }), hostnames: ['all.com'] },
      GOOD,
      'team',
    ],
    [
      'another namespace, which the selector lets in',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'gold', namespace: 'default' }), hostnames: ['gold.com'] },
      GOOD,
      'team',
    ],
    [
      'another namespace, which the selector shuts out',
      'HTTPRoute',
      { ...sameGateway({ sectionName: 'gold', namespace: 'default' }), hostnames: ['gold.com'], rules: [] },
      'Accepted=NotAllowedByListeners ResolvedRefs',
      'guests',
    ],
    [
      'an HTTPRoute where calls only are let in',
      'HTTPRoute',
      sameGateway({ sectionName: 'calls' }),
      'Accepted=NotAllowedByListeners ResolvedRefs',
    ],
    ['a GRPCRoute where calls are let in', 'GRPCRoute', sameGateway({ sectionName: 'calls' }), GOOD],
    [
      'an HTTPRoute on TCP',
      'HTTPRoute',
      sameGateway({ sectionName: 'tcp' }),
      'Accepted=NotAllowedByListeners ResolvedRefs',
    ],
    ['a TCPRoute on TCP', 'TCPRoute', sameGateway({ sectionName: 'tcp' }), GOOD],
    [
      'a TCPRoute on HTTP',
      'TCPRoute',
      sameGateway({ sectionName: 'any' }),
      'Accepted=NotAllowedByListeners ResolvedRefs',
    ],
    ['a TLSRoute on TLS', 'TLSRoute', { ...sameGateway({ sectionName: 'tls' }), hostnames: ['tls.com'] }, GOOD],
    [
      'a TLSRoute of another host',
      'TLSRoute',
      { ...sameGateway({ sectionName: 'tls' }), hostnames: ['a.com'] },
      'Accepted=NoMatchingListenerHostname ResolvedRefs',
    ],
    ['a Service', 'HTTPRoute', { parentRefs: [{ group: '', kind: 'Service', name: 'web' }], rules: [web] }, GOOD],
    [
      'a port of a Service',
      'HTTPRoute',
      { parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }], rules: [web] },
      GOOD,
    ],
    [
      'a Service that is not there',
      'HTTPRoute',
      { parentRefs: [{ group: '', kind: 'Service', name: 'nope' }], rules: [web] },
      'Accepted=NoMatchingParent ResolvedRefs',
    ],
    [
      'a ServiceEntry',
      'HTTPRoute',
      { parentRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'ext' }], rules: [web] },
      GOOD,
    ],
    [
      'a ServiceEntry that is not there',
      'HTTPRoute',
      { parentRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'nope' }], rules: [web] },
      'Accepted=NoMatchingParent ResolvedRefs',
    ],
  ];
  for (const [what, kind, spec, expected, of = 'default'] of rows) {
    it(what, () => {
      const [parent] = parentsOf(route(kind, spec, { namespace: of }));
      expect(shown(parent?.conditions)).toBe(expected);
      expect(parent?.controllerName).toBe('istio.io/gateway-controller');
    });
  }

  it.each([
    ['a Gateway that is not there', { parentRefs: [{ name: 'nope' }] }],
    ['a Gateway of another namespace that is not there', { parentRefs: [{ name: 'gw', namespace: 'team' }] }],
    ['a kind of another controller', { parentRefs: [{ group: 'example.com', kind: 'Gateway', name: 'gw' }] }],
    ['a core kind that is no parent', { parentRefs: [{ group: '', kind: 'ConfigMap', name: 'gw' }] }],
  ])('%s is not ours to speak of', (_, spec) => {
    expect(parentsOf(route('HTTPRoute', { ...spec, rules: [web] }))).toEqual([]);
  });

  it('says of each reference once, however many listeners it leads to', () => {
    const parents = parentsOf(
      route('HTTPRoute', { parentRefs: [{ name: 'gw' }, { name: 'gw', sectionName: 'any' }], rules: [web] }),
    );
    expect(parents.map(({ parentRef }) => parentRef)).toEqual([{ name: 'gw', sectionName: 'any' }, { name: 'gw' }]);
    expect(parents[1]?.conditions[0]?.message).toBe('Route was valid, bound to 3 parents');
  });

  it('reports the worst of several refusals', () => {
    const spec = { parentRefs: [{ name: 'gw', namespace: 'default' }], hostnames: ['x.org'], rules: [] };
    const [parent] = parentsOf(route('HTTPRoute', spec, { namespace: 'team' }));
    expect(parent?.conditions[0]?.reason).toBe('NotAllowedByListeners');
  });
});

describe('a route and its backends', () => {
  const refs = (reason: string) => `Accepted ResolvedRefs=${reason}`;
  const backend = (...backendRefs: object[]) => ({ rules: [{ backendRefs }] });
  const filter = (each: object) => ({ rules: [{ filters: [each], ...web }] });
  const rows: readonly (readonly [what: string, spec: object, expected: string])[] = [
    ['one that is there', backend({ name: 'web', port: 80 }), GOOD],
    ['a port that the Service does not have', backend({ name: 'web', port: 81 }), GOOD],
    ['none', backend(), GOOD],
    ['no rules', { rules: [] }, GOOD],
    ['one without weight', backend({ name: 'nope', port: 80, weight: 0 }), GOOD],
    ['one that is missing', backend({ name: 'nope', port: 80 }), refs('BackendNotFound')],
    [
      'one of two that is missing',
      backend({ name: 'web', port: 80 }, { name: 'nope', port: 80 }),
      refs('BackendNotFound'),
    ],
    [
      'one of an unknown kind',
      backend({ group: 'example.com', kind: 'Bucket', name: 'web', port: 80 }),
      refs('InvalidKind'),
    ],
    [
      'an InferencePool, which istiod reads only where it is told to',
      backend({ group: 'inference.networking.k8s.io', kind: 'InferencePool', name: 'pool', port: 80 }),
      refs('InvalidKind'),
    ],
    ['one of an unknown core kind', backend({ group: '', kind: 'Pod', name: 'web', port: 80 }), refs('InvalidKind')],
    ['one without a port', backend({ name: 'web' }), refs('InvalidDestination')],
    ['a host name in place of a name', backend({ name: 'web.default', port: 80 }), refs('InvalidDestination')],
    [
      'one of a namespace that grants nothing',
      backend({ name: 'far', namespace: 'closed', port: 80 }),
      refs('RefNotPermitted'),
    ],
    ['one of a namespace that grants all', backend({ name: 'near', namespace: 'open', port: 80 }), GOOD],
    ['one of a namespace that grants it by name', backend({ name: 'named', namespace: 'picky', port: 80 }), GOOD],
    [
      'one of a namespace that grants another',
      backend({ name: 'far', namespace: 'picky', port: 80 }),
      refs('RefNotPermitted'),
    ],
    [
      'one that is missing where all is granted',
      backend({ name: 'nope', namespace: 'open', port: 80 }),
      refs('BackendNotFound'),
    ],
    ['its own namespace, named', backend({ name: 'web', namespace: 'default', port: 80 }), GOOD],
    [
      'a host of the registry',
      backend({ group: 'networking.istio.io', kind: 'Hostname', name: 'ext.example.org', port: 80 }),
      GOOD,
    ],
    [
      'a Service by its host',
      backend({ group: 'networking.istio.io', kind: 'Hostname', name: 'web.default.svc.cluster.local', port: 80 }),
      GOOD,
    ],
    [
      'a host that nobody has',
      backend({ group: 'networking.istio.io', kind: 'Hostname', name: 'x.org', port: 80 }),
      refs('BackendNotFound'),
    ],
    [
      'a host with a namespace',
      backend({
        group: 'networking.istio.io',
        kind: 'Hostname',
        name: 'ext.example.org',
        namespace: 'default',
        port: 80,
      }),
      refs('InvalidDestination'),
    ],
    [
      'a ServiceImport',
      backend({ group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'web', port: 80 }),
      GOOD,
    ],
    [
      'a filter that Istio does not have',
      filter({ type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Filter', name: 'x' } }),
      refs('InvalidFilter'),
    ],
    [
      'a filter on a backend that cannot be there',
      backend({ name: 'web', port: 80, filters: [{ type: 'RequestRedirect', requestRedirect: {} }] }),
      refs('InvalidFilter'),
    ],
    [
      'a header with a line break',
      filter({ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'x\ny' }] } }),
      refs('InvalidFilter'),
    ],
    [
      'a mirror that is missing',
      filter({ type: 'RequestMirror', requestMirror: { backendRef: { name: 'nope', port: 80 } } }),
      refs('BackendNotFound'),
    ],
    [
      'a mirror of a namespace that grants nothing',
      filter({ type: 'RequestMirror', requestMirror: { backendRef: { name: 'far', namespace: 'closed', port: 80 } } }),
      refs('RefNotPermitted'),
    ],
    [
      'an unknown type of match',
      { rules: [{ matches: [{ path: { type: 'Glob', value: '/' } }], ...web }] },
      refs('InvalidConfiguration'),
    ],
    [
      'a redirect, which needs none',
      { rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }] }] },
      GOOD,
    ],
  ];
  it.each(rows)('%s', (_, spec, expected) => {
    expect(shown(parentsOf(route('HTTPRoute', spec))[0]?.conditions)).toBe(expected);
  });

  it('needs no grant where the parent is a Service', () => {
    const spec = {
      parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
      ...backend({ name: 'far', namespace: 'closed', port: 80 }),
    };
    expect(shown(parentsOf(route('HTTPRoute', spec))[0]?.conditions)).toBe(GOOD);
  });

  it.each([
    ['TCPRoute', 'tcp', {}],
    ['TLSRoute', 'tls', { hostnames: ['tls.com'] }],
    ['GRPCRoute', 'calls', {}],
  ])('%s says when a backend is missing', (kind, sectionName, spec) => {
    const missing = { ...spec, parentRefs: [{ name: 'gw', sectionName }], ...backend({ name: 'nope', port: 80 }) };
    expect(shown(parentsOf(route(kind, missing))[0]?.conditions)).toBe(refs('BackendNotFound'));
  });
});
