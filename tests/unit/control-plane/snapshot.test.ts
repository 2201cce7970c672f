import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import {
  deriveDestinationRules,
  findDestinationRule,
} from '../../../server/control-plane/snapshot/destination-rules.ts';
import { hostCovers, intersectHosts, mostSpecific, resolveHost } from '../../../server/control-plane/snapshot/hosts.ts';
import { DEFAULT_MESH_CONFIG, readMeshConfig } from '../../../server/control-plane/snapshot/mesh-config.ts';
import { derivePeerAuthentications, workloadTls } from '../../../server/control-plane/snapshot/peer-authentications.ts';
import { selectProtocol } from '../../../server/control-plane/snapshot/protocol.ts';
import { deriveVirtualServices, virtualServicesFor } from '../../../server/control-plane/snapshot/virtual-services.ts';
import { meshConfigMap } from '../../../server/sandbox/mesh/system.ts';

let age = 0;
/** Each object is younger than the one before it. */
const object = (kind: string, namespace: string, name: string, spec: object): KubeObject => ({
  apiVersion: kind === 'PeerAuthentication' ? 'security.istio.io/v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, age++)).toISOString() },
  spec,
});

describe('hosts', () => {
  it('completes a short name with the namespace of the rule', () => {
    expect(resolveHost('reviews', 'prod')).toBe('reviews.prod.svc.cluster.local');
    expect(resolveHost('reviews.default', 'prod')).toBe('reviews.default');
    expect(resolveHost('*', 'prod')).toBe('*');
  });

  it('takes the more specific of two overlapping hosts', () => {
    expect(intersectHosts(['*.example.com'], ['a.example.com', 'b.other.com'])).toEqual(['a.example.com']);
    expect(intersectHosts(['a.example.com'], ['*'])).toEqual(['a.example.com']);
    expect(hostCovers('*.com', '*.example.com')).toBe(true);
    expect(hostCovers('*.example.com', '*.com')).toBe(false);
  });

  it('finds what is said about a host: by its own name, else by the longest wildcard', () => {
    const table = new Map([
      ['*', 'all'],
      ['*.example.com', 'wide'],
      ['a.example.com', 'exact'],
    ]);
    expect(
      ['a.example.com', 'b.example.com', '*.example.com', 'other'].map((host) => mostSpecific(host, table)),
    ).toEqual(['exact', 'wide', 'wide', 'all']);
  });
});

describe('protocol selection', () => {
  it.each([
    [{ port: 80, name: 'tcp-db', appProtocol: 'http' }, 'http'],
    [{ port: 80, name: 'http-web' }, 'http'],
    [{ port: 80, name: 'grpc-web-ui' }, 'grpc-web'],
    [{ port: 80, appProtocol: 'kubernetes.io/h2c' }, 'http2'],
    [{ port: 3306, name: 'db' }, 'tcp'],
    [{ port: 8000, name: 'web' }, 'auto'],
    [{ port: 53, protocol: 'UDP' }, 'udp'],
  ] as const)('reads %j as %s', (port, protocol) => {
    expect(selectProtocol(port)).toBe(protocol);
  });
});

describe('DestinationRules', () => {
  const query = {
    host: 'reviews.default.svc.cluster.local',
    serviceNamespace: 'default',
    clientNamespace: 'shop',
    clientLabels: {},
    rootNamespace: 'istio-system',
  };
  const rule = (namespace: string, name: string, host = query.host): KubeObject =>
    object('DestinationRule', namespace, name, { host, subsets: [{ name, labels: { version: name } }] });

  it('are looked for in the namespace of the client, of the service, then in the root namespace', () => {
    const found = (...rules: KubeObject[]): string | undefined =>
      findDestinationRule(deriveDestinationRules(rules, DEFAULT_MESH_CONFIG), query)?.owner.name;
    const root = rule('istio-system', 'root');
    const service = rule('default', 'service');
    const client = rule('shop', 'client');
    expect(found(root, service, client)).toBe('client');
    expect(found(root, service)).toBe('service');
    expect(found(root)).toBe('root');
    expect(found(rule('elsewhere', 'other'))).toBeUndefined();
  });

  it('with the exact host beat those with a wildcard', () => {
    const index = deriveDestinationRules(
      [rule('default', 'wide', '*.local'), rule('default', 'exact', 'reviews')],
      DEFAULT_MESH_CONFIG,
    );
    expect(findDestinationRule(index, query)?.owner.name).toBe('exact');
  });

  it('for one host are merged: the first policy wins, a second subset of one name is ignored', () => {
    const policy = (simple: string) => ({ trafficPolicy: { loadBalancer: { simple } } });
    const index = deriveDestinationRules(
      [
        object('DestinationRule', 'default', 'a', { host: 'reviews', subsets: [{ name: 'v1', labels: { x: '1' } }] }),
        object('DestinationRule', 'default', 'b', {
          host: 'reviews',
          ...policy('RANDOM'),
          subsets: [{ name: 'v1', labels: { x: '2' } }, { name: 'v2' }],
        }),
        object('DestinationRule', 'default', 'c', { host: 'reviews', ...policy('ROUND_ROBIN') }),
      ],
      DEFAULT_MESH_CONFIG,
    );
    const merged = findDestinationRule(index, query);
    expect(merged?.subsets.map(({ value, owner, path }) => [value.name, value.labels, owner.name, path])).toEqual([
      ['v1', { x: '1' }, 'a', 'spec.subsets[0]'],
      ['v2', undefined, 'b', 'spec.subsets[1]'],
    ]);
    expect(merged?.trafficPolicy?.value.loadBalancer?.simple).toBe('RANDOM');
    expect(merged?.trafficPolicy?.owner.name).toBe('b');
  });
});

describe('PeerAuthentications', () => {
  const policy = (namespace: string, name: string, spec: object): KubeObject =>
    object('PeerAuthentication', namespace, name, spec);
  const modes = (policies: KubeObject[], port: number): string => {
    const workload = { namespace: 'default', labels: { app: 'reviews' } };
    return workloadTls(derivePeerAuthentications(policies), workload, 'istio-system').forPort(port).mode;
  };

  it('of the workload beat those of its namespace, which beat those of the mesh', () => {
    const mesh = policy('istio-system', 'default', { mtls: { mode: 'STRICT' } });
    const namespace = policy('default', 'default', { mtls: { mode: 'DISABLE' } });
    const workload = policy('default', 'own', {
      selector: { matchLabels: { app: 'reviews' } },
      mtls: { mode: 'PERMISSIVE' },
    });
    expect(modes([], 9080)).toBe('PERMISSIVE');
    expect(modes([mesh], 9080)).toBe('STRICT');
    expect(modes([mesh, namespace], 9080)).toBe('DISABLE');
    expect(modes([mesh, namespace, workload], 9080)).toBe('PERMISSIVE');
  });

  it('with UNSET take the wider mode, and may set ports apart', () => {
    const namespace = policy('default', 'default', { mtls: { mode: 'STRICT' } });
    const workload = policy('default', 'own', {
      selector: { matchLabels: { app: 'reviews' } },
      mtls: { mode: 'UNSET' },
      portLevelMtls: { 8080: { mode: 'DISABLE' } },
    });
    expect(modes([namespace, workload], 9080)).toBe('STRICT');
    expect(modes([namespace, workload], 8080)).toBe('DISABLE');
  });

  it('of one level: the oldest wins', () => {
    const first = policy('default', 'z-first', { mtls: { mode: 'STRICT' } });
    const second = policy('default', 'a-second', { mtls: { mode: 'DISABLE' } });
    expect(modes([second, first], 9080)).toBe('STRICT');
  });
});

describe('VirtualServices', () => {
  it('take the rules of a delegate, with the places of the delegate', () => {
    const root = object('VirtualService', 'default', 'root', {
      hosts: ['shop.com'],
      gateways: ['web'],
      http: [
        {
          name: 'all',
          match: [{ uri: { prefix: '/shop' } }],
          timeout: '5s',
          delegate: { name: 'cart', namespace: 'cart' },
        },
      ],
    });
    const delegate = object('VirtualService', 'cart', 'cart', {
      http: [
        { name: 'pay', match: [{ uri: { prefix: '/shop/pay' } }], route: [{ destination: { host: 'pay' } }] },
        { name: 'out', match: [{ uri: { prefix: '/else' } }], route: [{ destination: { host: 'pay' } }] },
      ],
    });
    const [resolved, ...more] = deriveVirtualServices([root, delegate]);
    expect(more).toEqual([]);
    expect(resolved?.gateways).toEqual(['default/web']);
    expect(
      resolved?.http.map(({ spec, path, owner, matchPaths }) => [
        spec.name,
        spec.timeout,
        owner.name,
        path,
        matchPaths,
      ]),
    ).toEqual([['all-pay', '5s', 'cart', 'spec.http[0]', ['spec.http[0].match[0]']]]);
    expect(resolved?.http[0]?.spec.route?.[0]?.destination.host).toBe('pay.cart.svc.cluster.local');
  });

  it('come private first, then in order of age', () => {
    const all = deriveVirtualServices([
      object('VirtualService', 'default', 'public', { hosts: ['a'] }),
      object('VirtualService', 'default', 'private', { hosts: ['a'], exportTo: ['.'] }),
      object('VirtualService', 'default', 'elsewhere', { hosts: ['a'], exportTo: ['other'] }),
    ]);
    const names = (viewer: string) => virtualServicesFor(all, 'mesh', viewer).map(({ config }) => config.name);
    expect(names('default')).toEqual(['private', 'public']);
    expect(names('other')).toEqual(['elsewhere', 'public']);
  });
});

describe('mesh configuration', () => {
  it('comes from the ConfigMap, and what it leaves out keeps its default; logs and figures are there as long as it asks for them', () => {
    const map = (mesh: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh },
    });
    const config = readMeshConfig(map('outboundTrafficPolicy: { mode: REGISTRY_ONLY }\naccessLogFile: ""\n'));
    expect(config).toMatchObject({
      outboundTrafficPolicy: 'REGISTRY_ONLY',
      accessLogFile: '',
      trustDomain: 'cluster.local',
    });
    expect(readMeshConfig(map('enableTracing: true'))).toMatchObject({ accessLogFile: '', defaultProviders: {} });
    expect(readMeshConfig(meshConfigMap('defaultProviders: { tracing: [zipkin] }'))).toMatchObject({
      accessLogFile: '/dev/stdout',
      defaultProviders: { metrics: ['prometheus'], tracing: ['zipkin'] },
    });
    expect(readMeshConfig(map('[broken')).outboundTrafficPolicy).toBe('ALLOW_ANY');
    const quoted = map(
      'defaultConfig: { proxyMetadata: { port: "80" }, tracing: { sampling: "12.5" } }\n' +
        'extensionProviders: [{ name: "1", envoyExtAuthzGrpc: { service: authz.foo, port: "9000", statusOnError: "403" } }]\n',
    );
    expect(readMeshConfig(quoted)).toMatchObject({
      tracingSampling: 12.5,
      defaultConfig: { proxyMetadata: { port: '80' } },
      extensionProviders: [
        { name: '1', envoyExtAuthzGrpc: { service: 'authz.foo', port: 9000, statusOnError: '403' } },
      ],
    });
  });
});
