import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { GATEWAY_API, gateway, namespace, route, service, shown, statusesOf } from './statuses-of.ts';

const http = { listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] };

const slice = (name: string, port: object, of = 'default'): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: of, labels: { 'kubernetes.io/service-name': name } },
  endpoints: [{ addresses: ['10.0.0.1'] }],
  ports: [port],
});

const served = (spec: object = {}, status: object = {}): KubeObject[] => [
  { ...service('gw-istio', { clusterIP: '10.1.0.1', ...spec }), status },
  slice('gw-istio', { name: 'http', port: 8080 }),
];
const balanced = served({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '127.0.0.9' }] } });

const statusOf = (objects: readonly KubeObject[]) => statusesOf(objects).get('Gateway/gw');
const GOOD = 'Accepted Programmed ResolvedRefs';

describe('a Gateway’s conditions', () => {
  const manual = (...addresses: object[]) => gateway({ ...http, addresses });
  const rows: readonly (readonly [what: string, objects: readonly KubeObject[], expected: string])[] = [
    ['with a Service that has an address', [gateway(http), ...balanced], GOOD],
    ['without listeners', [gateway({ listeners: [] }), ...balanced], GOOD],
    ['whose Service is not there yet', [gateway(http)], 'Accepted Programmed=AddressNotUsable ResolvedRefs'],
    [
      'whose pods are not ready',
      [gateway(http), service('gw-istio')],
      'Accepted Programmed=AddressNotAssigned ResolvedRefs',
    ],
    [
      'whose load balancer has no address yet',
      [gateway(http), ...served({ type: 'LoadBalancer' })],
      'Accepted Programmed=AddressNotAssigned ResolvedRefs',
    ],
    ['inside the cluster only', [gateway(http), ...served({ type: 'ClusterIP' })], GOOD],
    [
      'with a port that its Service does not have',
      [gateway({ listeners: [{ name: 'x', port: 99, protocol: 'HTTP' }] }), ...balanced],
      'Accepted Programmed=AddressNotUsable ResolvedRefs',
    ],
    [
      'with the port of the pod in place of the Service’s',
      [gateway({ listeners: [{ name: 'x', port: 8080, protocol: 'HTTP' }] }), ...balanced],
      'Accepted Programmed=AddressNotUsable ResolvedRefs',
    ],
    ['bound to a Service', [manual({ type: 'Hostname', value: 'gw-istio' }), ...balanced], GOOD],
    [
      'bound to a Service by its whole name',
      [manual({ type: 'Hostname', value: 'gw-istio.default.svc.cluster.local' }), ...balanced],
      GOOD,
    ],
    [
      'bound to a Service of another namespace',
      [manual({ type: 'Hostname', value: 'in.team.svc.cluster.local' }), service('in', {}, 'team')],
      'Accepted Programmed=AddressNotUsable ResolvedRefs',
    ],
    [
      'bound to nothing that is there',
      [manual({ type: 'Hostname', value: 'nope' })],
      'Accepted Programmed=AddressNotUsable ResolvedRefs',
    ],
    [
      'with an address of a kind that Istio cannot give',
      [manual({ type: 'NamedAddress', value: 'x' })],
      'Accepted=UnsupportedAddress Programmed=UnsupportedAddress ResolvedRefs',
    ],
    [
      'with two fixed addresses',
      [manual({ type: 'IPAddress', value: '1.1.1.1' }, { type: 'IPAddress', value: '1.1.1.2' })],
      'Accepted=UnsupportedAddress Programmed=UnsupportedAddress ResolvedRefs',
    ],
    ['with one fixed address', [manual({ type: 'IPAddress', value: '127.0.0.9' }), ...balanced], GOOD],
    [
      'with a good and a bad address',
      [manual({ type: 'Hostname', value: 'gw-istio' }, { type: 'IPAddress', value: '1.1.1.1' }), ...balanced],
      'Accepted=UnsupportedAddress Programmed ResolvedRefs',
    ],
    [
      'with parameters that are not there',
      [
        gateway({ ...http, infrastructure: { parametersRef: { group: '', kind: 'ConfigMap', name: 'x' } } }),
        ...balanced,
      ],
      'Accepted=InvalidParameters Programmed ResolvedRefs',
    ],
    [
      'with parameters of a wrong kind',
      [
        gateway({ ...http, infrastructure: { parametersRef: { group: 'example.com', kind: 'X', name: 'x' } } }),
        ...balanced,
      ],
      'Accepted=InvalidParameters Programmed ResolvedRefs',
    ],
    [
      'with one bad listener among good ones',
      [
        gateway({ listeners: [...http.listeners, { name: 'udp', port: 81, protocol: 'UDP' }] }),
        ...served({
          ports: [
            { name: 'http', port: 80 },
            { name: 'http', port: 81 },
          ],
        }),
      ],
      'Accepted~ListenersNotValid Programmed ResolvedRefs',
    ],
    [
      'with bad listeners only',
      [gateway({ listeners: [{ name: 'udp', port: 80, protocol: 'UDP' }] }), ...balanced],
      'Accepted=ListenersNotValid Programmed ResolvedRefs',
    ],
    [
      'with a client certificate that is not there',
      [gateway({ ...http, tls: { backend: { clientCertificateRef: { name: 'x' } } } }), ...balanced],
      'Accepted Programmed ResolvedRefs=InvalidClientCertificateRef',
    ],
    [
      'that lets clients in without a certificate',
      [
        gateway({
          ...http,
          tls: { frontend: { default: { validation: { mode: 'AllowInsecureFallback', caCertificateRefs: [] } } } },
        }),
        ...balanced,
      ],
      'Accepted InsecureFrontendValidationMode~ConfigurationChanged Programmed ResolvedRefs',
    ],
    [
      'of a class that is somewhere else',
      [gateway({ ...http, gatewayClassName: 'istio-remote' })],
      'Accepted Programmed',
    ],
  ];
  it.each(rows)('%s', (_, objects, expected) => {
    expect(shown(statusOf(objects)?.conditions)).toBe(expected);
  });

  it.each(['nginx', 'istio-waypoint'])('says nothing of a Gateway of the class %s, which nobody has here', (name) => {
    expect(statusOf([gateway({ ...http, gatewayClassName: name })])).toBeUndefined();
  });

  it('takes the class’s controller from its object, but built-in names are Istio’s whatever an object says', () => {
    const gatewayClass = (name: string, controllerName: string): KubeObject => ({
      apiVersion: GATEWAY_API,
      kind: 'GatewayClass',
      metadata: { name },
      spec: { controllerName },
    });
    const ofClass = (name: string, controllerName: string) =>
      shown(statusOf([gatewayClass(name, controllerName), gateway({ ...http, gatewayClassName: name })])?.conditions);
    expect(ofClass('mine', 'istio.io/gateway-controller')).toContain('Accepted');
    expect(ofClass('theirs', 'example.com/other')).toBe('');
    expect(ofClass('istio', 'example.com/other')).toContain('Accepted');
  });
});

describe('a Gateway’s addresses', () => {
  const rows: readonly (readonly [
    what: string,
    objects: readonly KubeObject[],
    expected: readonly string[] | undefined,
  ])[] = [
    ['are those of its load balancer', [gateway(http), ...balanced], ['IPAddress 127.0.0.9']],
    [
      'are the load balancer’s host names',
      [
        gateway(http),
        ...served({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }] } }),
      ],
      ['Hostname lb.example.com'],
    ],
    [
      'are the Service’s name inside the cluster',
      [gateway(http), ...served()],
      ['Hostname gw-istio.default.svc.cluster.local'],
    ],
    [
      'are the Service’s address where an annotation wants it',
      [gateway(http, { annotations: { 'networking.istio.io/address-type': 'IPAddress' } }), ...served()],
      ['IPAddress 10.1.0.1'],
    ],
    ['are not there before they are known', [gateway(http), ...served({ type: 'LoadBalancer' })], undefined],
    [
      'are as written where the Gateway is remote',
      [gateway({ ...http, gatewayClassName: 'istio-remote', addresses: [{ type: 'IPAddress', value: '9.9.9.9' }] })],
      ['IPAddress 9.9.9.9'],
    ],
    [
      'are not there where a remote Gateway names none',
      [gateway({ ...http, gatewayClassName: 'istio-remote' })],
      undefined,
    ],
  ];
  it.each(rows)('%s', (_, objects, expected) => {
    expect(statusOf(objects)?.addresses?.map(({ type, value }) => `${type} ${value}`)).toEqual(expected);
  });
});

describe('a GatewayClass', () => {
  const gatewayClass = (controllerName: string): KubeObject => ({
    apiVersion: GATEWAY_API,
    kind: 'GatewayClass',
    metadata: { name: 'c', generation: 3 },
    spec: { controllerName },
  });
  it('of ours is accepted, and names no features', () => {
    const status = statusesOf([gatewayClass('istio.io/gateway-controller')]).get('GatewayClass/c');
    expect(status?.conditions?.[0]).toMatchObject({ type: 'Accepted', status: 'True', observedGeneration: 3 });
    expect(status).not.toHaveProperty('supportedFeatures');
  });
  it('of another controller is left alone', () => {
    expect(statusesOf([gatewayClass('example.com/other')]).size).toBe(0);
  });
});

describe('attached routes', () => {
  const two = gateway({
    listeners: [
      { name: 'one', port: 80, protocol: 'HTTP', hostname: 'a.com' },
      { name: 'two', port: 81, protocol: 'HTTP' },
    ],
  });
  const attachments = (...routes: KubeObject[]) =>
    statusOf([two, service('web'), ...routes])?.listeners?.map(({ attachedRoutes }) => attachedRoutes);
  const rows: readonly (readonly [what: string, routes: readonly KubeObject[], expected: readonly number[]])[] = [
    ['none', [], [0, 0]],
    ['a route of the whole Gateway counts on each listener', [route('HTTPRoute', {})], [1, 1]],
    [
      'a route of one listener counts there',
      [route('HTTPRoute', { parentRefs: [{ name: 'gw', sectionName: 'two' }] })],
      [0, 1],
    ],
    [
      'a route that names a listener twice counts once',
      [route('HTTPRoute', { parentRefs: [{ name: 'gw' }, { name: 'gw', sectionName: 'two' }] })],
      [1, 1],
    ],
    ['a route of another host does not count', [route('HTTPRoute', { hostnames: ['b.com'] })], [0, 1]],
    [
      'a route with a bad backend counts',
      [route('HTTPRoute', { rules: [{ backendRefs: [{ name: 'x', port: 1 }] }] })],
      [1, 1],
    ],
    ['routes of two kinds add up', [route('HTTPRoute', {}), route('GRPCRoute', {})], [2, 2]],
    [
      'a route of another kind of parent does not count',
      [route('HTTPRoute', { parentRefs: [{ group: '', kind: 'Service', name: 'web' }] })],
      [0, 0],
    ],
  ];
  it.each(rows)('%s', (_, routes, expected) => {
    expect(attachments(...routes)).toEqual(expected);
  });
});

describe('a ListenerSet', () => {
  const set = (listeners: readonly object[], metadata: object = {}): KubeObject => ({
    apiVersion: GATEWAY_API,
    kind: 'ListenerSet',
    metadata: { name: 'set', ...metadata },
    spec: { parentRef: { name: 'gw', namespace: 'default' }, listeners },
  });
  const open = (from: object) => gateway({ ...http, allowedListeners: { namespaces: from } });
  const extra = [{ name: 'extra', port: 81, protocol: 'HTTP' }];
  const ports = served({
    type: 'ClusterIP',
    ports: [
      { name: 'http', port: 80 },
      { name: 'http', port: 81 },
    ],
  });
  const rows: readonly (readonly [what: string, objects: readonly KubeObject[], expected: string])[] = [
    ['is let in where all are', [open({ from: 'All' }), set(extra), ...ports], 'Accepted Programmed'],
    ['of the same namespace is let in', [open({ from: 'Same' }), set(extra), ...ports], 'Accepted Programmed'],
    [
      'of another namespace is shut out',
      [open({ from: 'Same' }), set(extra, { namespace: 'team' }), ...ports],
      'Accepted=NotAllowed Programmed=NotAllowed',
    ],
    [
      'is shut out where none are let in',
      [open({ from: 'None' }), set(extra), ...ports],
      'Accepted=NotAllowed Programmed=NotAllowed',
    ],
    [
      'is shut out where nothing is said',
      [gateway(http), set(extra), ...ports],
      'Accepted=NotAllowed Programmed=NotAllowed',
    ],
    [
      'of a selected namespace is let in',
      [
        open({ from: 'Selector', selector: { matchLabels: { a: 'b' } } }),
        namespace('team', { a: 'b' }),
        set(extra, { namespace: 'team' }),
        ...ports,
      ],
      'Accepted Programmed',
    ],
    [
      'of a namespace that is not selected is shut out',
      [
        open({ from: 'Selector', selector: { matchLabels: { a: 'b' } } }),
        namespace('team'),
        set(extra, { namespace: 'team' }),
        ...ports,
      ],
      'Accepted=NotAllowed Programmed=NotAllowed',
    ],
    [
      'with a conflict only is not accepted',
      [open({ from: 'All' }), set([{ name: 'dup', port: 80, protocol: 'HTTP' }]), ...ports],
      'Accepted=ListenersNotValid Programmed=ListenersNotValid',
    ],
    [
      'of a class that takes none is shut out',
      [gateway({ ...http, gatewayClassName: 'istio-remote' }), set(extra)],
      'Accepted=NotAllowed Programmed=NotAllowed',
    ],
  ];
  it.each(rows)('%s', (_, objects, expected) => {
    expect(shown(statusesOf(objects).get('ListenerSet/set')?.conditions)).toBe(expected);
  });

  it('counts in its Gateway’s status, and takes the usual port of its protocol', () => {
    const statuses = statusesOf([
      open({ from: 'All' }),
      set([{ name: 'x', port: 0, protocol: 'HTTPS', hostname: 'a.com' }, ...extra]),
      ...ports,
    ]);
    expect(statuses.get('Gateway/gw')?.attachedListenerSets).toBe(1);
    expect(shown(statuses.get('ListenerSet/set')?.listeners?.[0]?.conditions)).toContain(
      'Accepted=UnsupportedProtocol',
    );
  });
});
