import { describe, expect, it } from 'vitest';
import type { Diagnostic, KubeObject } from '#domain';
import { analyze, analyzers, diagnosticCatalogue } from '#istio';
import { destinationRule, parse, virtualService } from './manifests.ts';

const service = (name: string, ports = '[{name: http, port: 9080}]', namespace = 'default'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {selector: {app: ${name}}, ports: ${ports}}\n`;
const pod = (app: string, version: string, namespace = 'default'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${app}-${version}, namespace: ${namespace}, labels: {app: ${app}, version: ${version}}}\n` +
  'spec: {containers: [{name: app, image: a}]}\n';
const namespace = (name: string, labels: string): string =>
  `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}, labels: ${labels}}\n`;
const gateway = (name: string, hosts: string, ns = 'default', port = 80): string =>
  `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: ${name}, namespace: ${ns}}\n` +
  `spec: {selector: {istio: ingressgateway}, servers: [{port: {number: ${port}, name: http, protocol: HTTP}, hosts: ${hosts}}]}\n`;
const to = (destination: string): string =>
  virtualService(`hosts: [reviews]\nhttp: [{route: [{destination: {${destination}}}]}]`);
const ingress =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: gw, namespace: istio-system, labels: {istio: ingressgateway}}\nspec: {containers: [{name: istio-proxy, image: proxyv2}]}\n';
const subsets = (...names: string[]): string =>
  destinationRule(`subsets: [${names.map((name) => `{name: ${name}, labels: {version: ${name}}}`).join(', ')}]`);

const ingressService =
  'apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: istio-system, labels: {istio: ingressgateway}}\n' +
  'spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, protocol: TCP}, {name: web, port: 8080, protocol: TCP}]}\n';

const mesh = [service('reviews'), pod('reviews', 'v1'), pod('reviews', 'v2'), ingress, ingressService];

function run(...texts: string[]): Diagnostic[] {
  return analyze([], parse(texts.join('---\n')));
}

const codes = (...texts: string[]): string[] => run(...mesh, ...texts).map((each) => each.code);

describe('references of a VirtualService', () => {
  it('finds a host that is not in the mesh, with the one that was meant', () => {
    const [found] = run(...mesh, to('host: reviws'));
    expect(found).toMatchObject({
      code: 'IST0101',
      severity: 'error',
      message: 'Referenced host not found: "reviws"',
      hint: 'Did you mean reviews?',
      origin: {
        kind: 'VirtualService',
        namespace: 'default',
        name: 'reviews',
        path: 'spec.http[0].route[0].destination.host',
      },
    });
    expect(found?.location?.line).toBeGreaterThan(1);
    expect(codes(to('host: reviews'))).toEqual([]);
  });

  it('says that a short name means a Service in the namespace of the rule', () => {
    const [found] = run(service('ratings', undefined, 'shop'), ...mesh, to('host: ratings'));
    expect(found?.hint).toBe(
      'Write ratings.shop.svc.cluster.local: the short name ratings means a Service in namespace default, the namespace of the rule.',
    );
    const [dotted] = run(service('ratings', undefined, 'shop'), ...mesh, to('host: ratings.shop'));
    expect(dotted?.hint).toContain('Write the full name ratings.shop.svc.cluster.local');
  });

  it('takes hosts of ServiceEntries, also with a wildcard', () => {
    const entry =
      'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out}\nspec: {hosts: [api.a.com, "*.b.com"], ports: [{number: 443, name: tls, protocol: TLS}], resolution: NONE}\n';
    expect(codes(entry, to('host: api.a.com'))).toEqual([]);
    expect(codes(entry, to('host: x.b.com'))).toEqual([]);
    expect(codes(entry, to('host: x.c.com'))).toEqual(['IST0101']);
  });

  it('finds a subset that no DestinationRule defines', () => {
    const found = run(...mesh, to('host: reviews, subset: v9'), subsets('v1', 'v2'));
    expect(found).toMatchObject([
      {
        code: 'IST0101',
        message: 'Referenced host+subset in destinationrule not found: "reviews+v9"',
        hint: expect.stringContaining('The DestinationRule defines v1, v2'),
      },
    ]);
    expect(codes(to('host: reviews, subset: v1'), subsets('v1'))).toEqual([]);
  });

  it('asks for a port where the service has several, and refuses one that it has not', () => {
    const two = service('reviews', '[{name: http, port: 9080}, {name: http-admin, port: 9090}]');
    expect(run(two, pod('reviews', 'v1'), to('host: reviews'))).toMatchObject([
      { code: 'IST0112', message: expect.stringContaining('exposes multiple ports [9080 9090]') },
    ]);
    expect(run(two, to('host: reviews, port: {number: 9090}'))).toEqual([]);
    expect(run(two, to('host: reviews, port: {number: 1}'))).toMatchObject([
      { code: 'IST0101', message: 'Referenced host:port not found: "reviews:1"' },
    ]);
  });

  it('checks mirrors too', () => {
    const text = virtualService(
      'hosts: [reviews]\nhttp: [{route: [{destination: {host: reviews}}], mirror: {host: gone}}]',
    );
    expect(run(...mesh, text)).toMatchObject([{ message: 'Referenced mirror host not found: "gone"' }]);
  });
});

describe('gateways of a VirtualService', () => {
  const bound = (name: string, hosts = '[shop.example.com]'): string =>
    virtualService(`hosts: ${hosts}\ngateways: [${name}]\nhttp: [{route: [{destination: {host: reviews}}]}]`);

  it('must exist', () => {
    expect(run(...mesh, bound('front'), gateway('front', '["*"]'))).toEqual([]);
    expect(run(...mesh, bound('fornt'), gateway('front', '["*"]'))).toMatchObject([
      { code: 'IST0101', message: 'Referenced gateway not found: "fornt"', hint: 'Did you mean front?' },
      { code: 'IST0132' },
    ]);
    expect(run(...mesh, bound('front'), gateway('front', '["*"]', 'istio-system'))).toMatchObject([
      { hint: 'Did you mean istio-system/front?', fix: { text: 'istio-system/front' } },
      { code: 'IST0132' },
    ]);
  });

  it('must serve one of its hosts', () => {
    expect(run(...mesh, bound('front'), gateway('front', '[other.com]'))).toMatchObject([
      {
        code: 'IST0132',
        message:
          'one or more host [shop.example.com] defined in VirtualService default/reviews not found in Gateway default/front.',
      },
    ]);
    expect(codes(bound('front'), gateway('front', '["./*.example.com"]'))).toEqual([]);
    expect(codes(bound('front'), gateway('front', '["shop/*.example.com"]'))).toEqual(['IST0132']);
  });

  it('need pods to run on, and must not share a host at a port', () => {
    expect(run(gateway('front', '["*"]'))).toMatchObject([
      { message: 'Referenced selector not found: "istio=ingressgateway"' },
    ]);
    expect(codes(gateway('a', '[x.com]'), gateway('b', '[x.com]'))).toEqual(['IST0145', 'IST0145']);
    expect(codes(gateway('a', '[x.com]'), gateway('b', '[x.com]', 'default', 8080))).toEqual([]);
  });
});

describe('VirtualServices for one host', () => {
  const rule = (name: string, host: string, more = ''): string =>
    virtualService(`hosts: [${host}]\n${more}\nhttp: [{route: [{destination: {host: reviews}}]}]`, name);

  it('conflict on sidecars, whichever way the host is written', () => {
    const found = run(...mesh, rule('a', 'reviews'), rule('b', 'reviews.default.svc.cluster.local'));
    expect(found.map((each) => each.code)).toEqual(['IST0109', 'IST0109']);
    expect(found[0]?.message).toContain('default/a,default/b associated with mesh gateway define the same host');
  });

  it('do not conflict on a gateway, or for other namespaces', () => {
    expect(codes(rule('a', 'a.com'), rule('b', 'a.com', 'gateways: [front]'), gateway('front', '["*"]'))).toEqual([]);
    expect(codes(rule('a', 'reviews', 'exportTo: [x]'), rule('b', 'reviews', 'exportTo: [y]'))).toEqual([]);
  });
});

describe('DestinationRules', () => {
  it('find a subset without pods, and say which labels the pods have', () => {
    expect(run(...mesh, subsets('v1', 'v3'))).toMatchObject([
      {
        code: 'IST0173',
        origin: { path: 'spec.subsets[1].labels' },
        hint: 'The pods of reviews.default.svc.cluster.local have version: v1, v2.',
      },
    ]);
  });

  it('take the pods that a Deployment will make', () => {
    const deployment =
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: r3}\nspec: {selector: {matchLabels: {app: reviews}}, template: {metadata: {labels: {app: reviews, version: v3}}, spec: {containers: [{name: a, image: b}]}}}\n';
    expect(run(service('reviews'), deployment, subsets('v3'))).toEqual([]);
    const stored = parse(mesh.join('---\n')).map((each) => each.object);
    const placed = stored.map((object) => ({ ...object, metadata: { namespace: 'default', ...object.metadata } }));
    expect(analyze(placed, parse(`${deployment}---\n${subsets('v3')}`))).toEqual([]);
  });

  it('find a host that is no service', () => {
    expect(run(...mesh, destinationRule('exportTo: ["."]').replace('host: reviews', 'host: gone'))).toMatchObject([
      { code: 'IST0174', severity: 'warning', origin: { path: 'spec.host' } },
    ]);
  });

  it('find TLS without a CA', () => {
    const tls = (more: string): string => destinationRule(`trafficPolicy: {${more}}`);
    expect(codes(tls('tls: {mode: SIMPLE}'))).toEqual(['IST0128']);
    expect(
      codes(
        tls('portLevelSettings: [{port: {number: 443}, tls: {mode: MUTUAL, clientCertificate: a, privateKey: b}}]'),
      ),
    ).toEqual(['IST0129']);
    expect(codes(tls('tls: {mode: SIMPLE, caCertificates: /etc/ca.pem}'))).toEqual([]);
    expect(codes(tls('tls: {mode: ISTIO_MUTUAL}'))).toEqual([]);
  });
});

describe('Services, pods and namespaces', () => {
  it.each([
    ['[{name: http-web, port: 80}]', []],
    ['[{name: grpc, port: 80}]', []],
    ['[{name: web, port: 80}]', ['IST0118']],
    ['[{port: 80}]', ['IST0118']],
    ['[{name: web, port: 80, appProtocol: http}]', []],
    ['[{name: db, port: 3306}]', []],
  ])('judges the port %s', (ports, expected) => {
    expect(run(service('a', ports)).map((each) => each.code)).toEqual(expected);
  });

  it('finds namespaces that do not say, and pods that missed injection', () => {
    const found = run(namespace('shop', '{istio-injection: enabled}'), pod('a', 'v1', 'shop'));
    expect(found).toMatchObject([
      { code: 'IST0103', message: expect.stringContaining('The pod shop/a-v1 is missing') },
    ]);
    expect(run(namespace('shop', '{}'))).toMatchObject([
      { code: 'IST0102', severity: 'info', origin: { namespace: '' } },
    ]);
    expect(run(namespace('shop', '{istio-injection: disabled}'), pod('a', 'v1', 'shop'))).toEqual([]);
    expect(run(namespace('shop', '{istio-injection: enabled, istio.io/rev: canary}'))).toMatchObject([
      { code: 'IST0123' },
    ]);
  });

  it('finds selectors of policies that select nothing', () => {
    const policy = (app: string): string =>
      `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {app: ${app}}}}\n`;
    const sidecar = pod('shop', 'v1').replace('{name: app, image: a}', '{name: istio-proxy, image: proxyv2}');
    expect(codes(policy('gone'))).toEqual(['IST0127']);
    expect(codes(policy('reviews'))).toEqual(['IST0127']);
    expect(codes(policy('shop'), sidecar)).toEqual([]);
  });

  it('finds TCP ports of ServiceEntries without addresses', () => {
    const entry = (more: string): string =>
      `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\nspec: {hosts: [db.com], ports: [{number: 5432, name: tcp, protocol: TCP}]${more}}\n`;
    expect(codes(entry(''))).toEqual(['IST0134']);
    expect(codes(entry(', addresses: [240.0.0.1]'))).toEqual([]);
  });

  it('finds Services that lead two ports to one target port', () => {
    const deployment =
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: b}]}}}\n';
    const first = service('a', '[{name: http, port: 80, targetPort: 9080}]');
    const second = first.replace('name: a,', 'name: b,').replace('port: 80', 'port: 81');
    const enabled = namespace('default', '{istio-injection: enabled}');
    expect(run(enabled, deployment, first, second)).toMatchObject([
      { code: 'IST0137', origin: { kind: 'Deployment' } },
    ]);
    expect(run(enabled, deployment, first)).toEqual([]);
    expect(run(deployment, first, second)).toEqual([]);
  });
});

describe('analyze', () => {
  it('lets a document replace the stored object of its name', () => {
    const stored = parse([...mesh, to('host: gone')].join('---\n')).map((each) => each.object);
    const placed = stored.map((object) => ({ ...object, metadata: { namespace: 'default', ...object.metadata } }));
    expect(analyze(placed).map((each) => each.code)).toEqual(['IST0101']);
    expect(analyze(placed, parse(to('host: reviews')))).toEqual([]);
  });

  it('tells the Gateways of the two groups apart', () => {
    const other =
      'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: front}\nspec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}\n';
    const bound = virtualService(
      'hosts: [a.com]\ngateways: [front]\nhttp: [{route: [{destination: {host: reviews}}]}]',
    );
    expect(run(...mesh, other, bound)).toMatchObject([
      { code: 'IST0101', hint: expect.stringContaining('takes HTTPRoutes') },
      { code: 'IST0132' },
    ]);
  });

  it('survives objects of any shape', () => {
    const odd: unknown[] = [null, 5, 'x', [], {}, [null], [[]], [{}], { a: null }, { matchLabels: [1], labels: 'x' }];
    const nested: unknown[] = [
      { http: [null, { route: [null, { destination: 7 }], match: [{ headers: 1 }] }], hosts: [1], gateways: [null, 2] },
      { servers: [null, { port: 5, hosts: 'x', tls: [] }], selector: [1], rules: [{ from: [{ source: 3 }] }] },
      { template: { metadata: { labels: 1 }, spec: { containers: {} } }, ports: [{ port: 'x', targetPort: {} }] },
      { configPatches: [{ patch: { value: [] } }], trafficPolicy: { tls: 1, portLevelSettings: 'x' }, subsets: [1] },
      { parentRefs: [1], rules: [{ backendRefs: ['x', { name: 1, port: 'y' }] }], jwtRules: {} },
    ];
    const kinds = [
      ...['VirtualService', 'DestinationRule', 'Gateway', 'ServiceEntry', 'Sidecar', 'EnvoyFilter', 'ProxyConfig'].map(
        (kind) => `networking.istio.io/v1 ${kind}`,
      ),
      ...['AuthorizationPolicy', 'RequestAuthentication', 'PeerAuthentication'].map(
        (kind) => `security.istio.io/v1 ${kind}`,
      ),
      ...['Pod', 'Service', 'Namespace', 'Secret', 'ConfigMap', 'Node'].map((kind) => `v1 ${kind}`),
      ...['Gateway', 'HTTPRoute', 'ReferenceGrant'].map((kind) => `gateway.networking.k8s.io/v1 ${kind}`),
      'apps/v1 Deployment',
      'telemetry.istio.io/v1 Telemetry',
      'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration',
      'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration',
      'apiextensions.k8s.io/v1 CustomResourceDefinition',
    ];
    const objects = [...odd, ...nested].flatMap((value, index) =>
      kinds.map((text) => {
        const [apiVersion = '', kind = ''] = text.split(' ');
        const metadata = {
          name: `istio-sidecar-injector-${index}`,
          namespace: 'default',
          labels: value,
          annotations: value,
        };
        return { apiVersion, kind, metadata, spec: value, status: value, data: value, webhooks: value } as KubeObject;
      }),
    );
    expect(() => analyze(objects)).not.toThrow();
  });

  it('reports only codes that its analyzers declare', () => {
    const declared = new Set(analyzers.flatMap((each) => each.codes));
    for (const code of declared) expect(diagnosticCatalogue.some((entry) => entry.code === code)).toBe(true);
  });
});
