import { describe, expect, it } from 'vitest';
import type { Proxy } from '#data-plane';
import type { FakeSandbox } from '../../support/fake-sandbox.ts';
import { createShop } from './shop.ts';

const ORIGIN = {
  filter_metadata: {
    meshwork: { kind: 'VirtualService', namespace: 'default', name: 'reviews', path: 'spec.http[0]' },
  },
};
const RULE = {
  filter_metadata: {
    meshwork: { kind: 'DestinationRule', namespace: 'default', name: 'reviews', path: 'spec.subsets[0]' },
  },
};

const admin = {
  listeners: () => [
    {
      name: '0.0.0.0_9080',
      address: { socket_address: { address: '0.0.0.0', port_value: 9080 } },
      filter_chains: [
        {
          filter_chain_match: { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] },
          filters: [{ name: 'http', typed_config: { rds: { route_config_name: '9080' } } }],
        },
      ],
      default_filter_chain: { filters: [{ name: 'tcp', typed_config: { cluster: 'PassthroughCluster' } }] },
    },
    {
      name: 'virtualOutbound',
      address: { socket_address: { address: '0.0.0.0', port_value: 15001 } },
      filter_chains: [],
    },
  ],
  routes: () => [
    {
      name: '9080',
      virtual_hosts: [
        {
          name: 'reviews.default.svc.cluster.local:9080',
          domains: ['reviews.default.svc.cluster.local', 'reviews', 'reviews.default.svc', '127.2.0.1'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'x' }, metadata: ORIGIN }],
        },
      ],
    },
    { name: '80', virtual_hosts: [] },
  ],
  clusters: () => [
    { name: 'outbound|9080|v1|reviews.default.svc.cluster.local', type: 'EDS', metadata: RULE },
    { name: 'PassthroughCluster', type: 'ORIGINAL_DST' },
    { name: 'inbound|9080||', type: 'STATIC' },
  ],
  endpoints: () => [
    {
      cluster: 'outbound|9080|v1|reviews.default.svc.cluster.local',
      address: { ip: '127.1.0.1', port: 9080 },
      healthy: true,
      ejected: false,
      activeRequests: 0,
    },
    { cluster: 'other', address: { ip: '127.1.0.2', port: 80 }, healthy: false, ejected: true, activeRequests: 0 },
  ],
  secrets: () => [
    {
      name: 'default',
      type: 'Cert Chain',
      state: 'ACTIVE',
      serialNumber: 'ab12',
      notBefore: 'then',
      notAfter: 'later',
      spiffeId: 's',
      pem: '',
    },
  ],
  configDump: () => ({ configs: [] }),
  stats: () => new Map(),
} as unknown as Proxy['admin'];

const createMesh = async () => {
  const shop = await createShop();
  shop.sandbox.addPod({
    name: 'frontend-1',
    namespace: 'shop',
    labels: { app: 'frontend' },
    proxy: { admin } as Proxy,
  });
  shop.sandbox.addPod({ name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } });
  shop.sandbox.controlPlane = {
    syncStatus: () => [
      {
        node: { id: 'sidecar~127.1.0.3~frontend-1.shop~shop.svc.cluster.local', cluster: '', metadata: {} },
        types: { CDS: 'SYNCED', LDS: 'STALE', RDS: 'ERROR' },
      },
      { node: { id: 'router~127.1.0.4~gateway-1.istio-system~x', cluster: '', metadata: {} }, types: {} },
    ],
  } as unknown as NonNullable<FakeSandbox['controlPlane']>;
  return shop;
};
const run = async (line: string) => (await createMesh()).run(line);

describe('istioctl proxy-status', () => {
  it('gives the subscribed types of each proxy', async () => {
    const { out, code } = await run('istioctl proxy-status');
    expect(out).toBe(
      'NAME                       CLUSTER        ISTIOD       VERSION     SUBSCRIBED TYPES\n' +
        'frontend-1.shop            Kubernetes     istiod-1     1.31.0      3 (CDS,LDS,RDS)\n' +
        'gateway-1.istio-system     Kubernetes     istiod-1     1.31.0      0\n',
    );
    expect(code).toBe(0);
  });

  it('gives the state of each type with -v 1', async () => {
    const { out } = await run('istioctl ps -v 1 -n shop');
    expect(out.replace(/ +/g, ' ')).toBe(
      'NAME CLUSTER CDS LDS EDS RDS ISTIOD VERSION\nfrontend-1.shop Kubernetes SYNCED STALE NOT SENT ERROR istiod-1 1.31.0\n',
    );
    expect((await run('istioctl ps frontend-1 -v1')).out.split('\n')).toHaveLength(3);
  });

  it('tells that istiod is stopped', async () => {
    const shop = await createShop();
    expect(await shop.run('istioctl proxy-status')).toMatchObject({
      err: 'Error: no running Istio pods in namespace "istio-system"\n',
      code: 1,
    });
    expect((await shop.run('istioctl version')).out).toContain('no running Istio pods');
  });
});

describe('istioctl proxy-config', () => {
  it('lists listeners by port and chain', async () => {
    expect((await run('istioctl proxy-config listeners frontend-1.shop')).out).toBe(
      'ADDRESSES PORT MATCH                                DESTINATION\n' +
        '0.0.0.0   9080 Trans: raw_buffer; App: http/1.1,h2c Route: 9080\n' +
        '0.0.0.0   9080 ALL                                  Cluster: PassthroughCluster\n',
    );
  });

  it('lists routes with the VirtualService that made them', async () => {
    const { out } = await run('istioctl pc routes frontend-1 -n shop --name 9080');
    expect(out.split('\n')[1]?.split(/ {2,}/)).toEqual([
      '9080',
      'reviews.default.svc.cluster.local:9080',
      'reviews.default.svc.cluster.local, reviews + 2 more...',
      '/*',
      'reviews.default',
    ]);
  });

  it('lists clusters, chosen by host, port, subset and direction', async () => {
    const { out } = await run('istioctl pc c frontend-1.shop');
    expect(
      out
        .split('\n')
        .slice(0, 4)
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'],
      ['', '9080', '-', 'inbound', 'STATIC'],
      ['PassthroughCluster', '-', '-', '-', 'ORIGINAL_DST'],
      ['reviews.default.svc.cluster.local', '9080', 'v1', 'outbound', 'EDS', 'reviews.default'],
    ]);
    const chosen = '--fqdn reviews.default.svc.cluster.local --port=9080 --subset v1 --direction outbound';
    expect((await run(`istioctl pc c frontend-1.shop ${chosen}`)).out.split('\n')).toHaveLength(3);
  });

  it('lists endpoints and secrets', async () => {
    const endpoints = await run('istioctl pc ep frontend-1.shop --cluster other');
    expect(endpoints.out.split('\n')[1]?.split(/ {2,}/)).toEqual(['127.1.0.2:80', 'UNHEALTHY', 'FAILED', 'other']);
    const secrets = await run('istioctl pc secret frontend-1.shop');
    expect(secrets.out.split('\n')[1]?.split(/ {2,}/)).toEqual([
      'default',
      'Cert Chain',
      'ACTIVE',
      'true',
      'ab12',
      'later',
      'then',
    ]);
  });

  it('dumps JSON and YAML', async () => {
    expect(JSON.parse((await run('istioctl pc all frontend-1.shop')).out)).toEqual({ configs: [] });
    expect((await run('istioctl pc cluster frontend-1.shop --direction inbound -o yaml')).out).toBe(
      '- name: inbound|9080||\n  type: STATIC\n',
    );
  });

  it.each([
    ['istioctl pc frogs frontend-1.shop', 'Error: unknown command "frogs" for "istioctl proxy-config"'],
    ['istioctl pc routes', 'Error: routes requires pod name or deploy/name'],
    ['istioctl pc routes cart-1', 'Error: pod cart-1.default has no proxy.'],
    ['istioctl pc routes nope.shop', 'Error from server (NotFound): pods "nope" not found'],
    ['istioctl pc routes frontend-1.shop -o frog', 'Error: output format "frog" is not supported'],
    ['istioctl frog', 'Error: unknown command "frog" for "istioctl"'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});

describe('istioctl analyze', () => {
  it('finds nothing with exit code 0', async () => {
    expect(await run('istioctl analyze')).toEqual({
      out: '',
      err: '✔ No validation issues found when analyzing namespace: default.\n',
      code: 0,
      more: false,
    });
    expect((await run('istioctl analyze -A')).err).toContain('when analyzing all namespaces.');
  });

  it('lists findings, errors first, and ends with 79 when there is an error', async () => {
    const shop = await createMesh();
    const origin = { kind: 'VirtualService', namespace: 'default', name: 'reviews', path: 'spec' };
    shop.sandbox.validate = () => [
      { code: 'IST0108', severity: 'warning', message: 'odd', origin },
      { code: 'IST0101', severity: 'error', message: 'no such host', hint: 'Name another.', origin },
      { code: 'IST0101', severity: 'error', message: 'elsewhere', origin: { ...origin, namespace: 'shop' } },
    ];
    expect(await shop.run('istioctl analyze')).toEqual({
      out: 'Error [IST0101] (VirtualService default/reviews) no such host\n  Name another.\nWarning [IST0108] (VirtualService default/reviews) odd\n',
      err: 'Error: Analyzers found issues when analyzing namespace: default.\n',
      code: 79,
      more: false,
    });
    expect((await shop.run('istioctl analyze -n shop')).out).toBe(
      'Error [IST0101] (VirtualService shop/reviews) elsewhere\n',
    );
  });

  it('analyzes files before they are applied', async () => {
    const shop = await createMesh();
    await shop.run(
      'cat > bad.yaml <<EOF\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: bad }\nspec: { hots: [a] }\nEOF',
    );
    expect(await shop.run('istioctl analyze bad.yaml')).toMatchObject({ code: 79 });
    expect(await shop.run('istioctl analyze nope.yaml')).toMatchObject({
      code: 1,
      err: 'error: the path "nope.yaml" does not exist\n',
    });
  });
});
