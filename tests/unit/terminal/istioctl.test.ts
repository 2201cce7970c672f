import { describe, expect, it } from 'vitest';
import type { Proxy } from '#data-plane';
import { typeUrls } from '#xds';
import type { FakeSandbox } from '../../support/fake-sandbox.ts';
import { createShop } from './shop.ts';

const ORIGIN = {
  filter_metadata: {
    istio: { config: '/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews' },
  },
};
const RULE = {
  filter_metadata: {
    istio: { config: '/apis/networking.istio.io/v1/namespaces/default/destination-rule/reviews' },
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
          filters: [
            {
              name: 'envoy.filters.network.http_connection_manager',
              typed_config: { rds: { route_config_name: '9080' } },
            },
          ],
        },
      ],
      default_filter_chain: {
        filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'PassthroughCluster' } }],
      },
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

const named = (resources: readonly object[]) =>
  new Map(resources.map((json) => [(json as { name: string }).name, { ...(json as { name: string }), json }]));

const createMesh = async () => {
  const shop = await createShop();
  shop.sandbox.addPod({
    name: 'frontend-1',
    namespace: 'shop',
    labels: { app: 'frontend' },
    proxy: { admin } as Proxy,
  });
  shop.sandbox.addPod({ name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } });
  const sentAgo = (seconds: number) => ({ sentAtMs: shop.sandbox.clock.now() - seconds * 1000 });
  shop.sandbox.controlPlane = {
    syncStatus: () => [
      {
        node: { id: 'sidecar~127.1.0.3~frontend-1.shop~shop.svc.cluster.local', cluster: '', metadata: {} },
        types: { CDS: 'SYNCED', LDS: 'STALE', EDS: 'NOT SENT', RDS: 'ERROR', SDS: 'SYNCED' },
        responses: { [typeUrls.cluster]: sentAgo(65), [typeUrls.listener]: sentAgo(3), [typeUrls.route]: sentAgo(754) },
      },
      {
        node: { id: 'router~127.1.0.4~gateway-1.istio-system~x', cluster: '', metadata: {} },
        types: {},
        responses: {},
      },
    ],
    ads: { connections: () => [] },
    // Of listeners and clusters what the proxy holds, in another order; of routes another timeout, and a table more.
    snapshotFor: () => ({
      resources: new Map([
        [typeUrls.cluster, named(admin.clusters().toReversed())],
        [typeUrls.listener, named(admin.listeners())],
        [typeUrls.route, named([{ name: '9080', virtual_hosts: [] }, admin.routes()[1]!])],
      ]),
    }),
  } as unknown as NonNullable<FakeSandbox['controlPlane']>;
  return shop;
};
const run = async (line: string) => (await createMesh()).run(line);

describe('istioctl proxy-status', () => {
  it('gives the subscribed types of each proxy', async () => {
    const { out, code } = await run('istioctl proxy-status');
    expect(out).toBe(
      'NAME                       CLUSTER        ISTIOD       VERSION     SUBSCRIBED TYPES\n' +
        'frontend-1.shop            Kubernetes     istiod-1     1.31.0      5 (CDS,LDS,EDS,RDS,SDS)\n' +
        'gateway-1.istio-system     Kubernetes     istiod-1     1.31.0      0\n',
    );
    expect(code).toBe(0);
  });

  it('gives the state of each type with -v 1', async () => {
    const { out } = await run('istioctl ps -v 1 -n shop');
    expect(out.replace(/ +/g, ' ')).toBe(
      'NAME CLUSTER CDS ECDS EDS LDS RDS SDS ISTIOD VERSION\n' +
        'frontend-1.shop Kubernetes SYNCED (65s) IGNORED NOT SENT STALE (3s) ERROR (12m) SYNCED istiod-1 1.31.0\n',
    );
    expect((await run('istioctl ps frontend-1 -v1')).out.split('\n')).toHaveLength(3);
  });

  it('tells where a proxy holds something else than istiod would have it hold', async () => {
    const { out } = await run('istioctl proxy-status frontend-1.shop');
    expect(out.split('\n').slice(0, 5)).toEqual([
      'Clusters Match',
      'Listeners Match',
      "Routes Don't Match (RDS last loaded at never)",
      '--- Istiod Routes',
      '+++ Envoy Routes',
    ]);
    expect(out).toContain('\n-   "virtual_hosts": []\n');
    expect(out).toContain('\n+         "name": "reviews.default.svc.cluster.local:9080",\n');
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
        '0.0.0.0   9080 ALL                                  PassthroughCluster\n',
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
      ['', '9080', '-', 'inbound', 'STATIC', ''],
      ['PassthroughCluster', '-', '-', '-', 'ORIGINAL_DST', ''],
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
    const [route] = JSON.parse((await run('istioctl pc routes frontend-1.shop --name 9080 -o json')).out);
    expect(route.virtualHosts[0].routes[0].metadata.filterMetadata.istio.config).toContain('/virtual-service/reviews');
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
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });

  it.each([
    ['istioctl frog', 'Error: unknown command "frog" for "istioctl"'],
    ['istioctl version --frog', 'Error: unknown flag: --frog'],
    ['istioctl pc log', 'Error: log requires pod name or deploy/name'],
    ['istioctl pc log frontend-1.shop --level frog', 'Error: unrecognized logging level: frog.'],
    ['istioctl analyze -S frog', 'Error: frog is not a valid suppression value'],
  ])('ends with 64, as istioctl does, for %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(64);
  });

  it.each([
    ['istioctl dashboard kiali', 'Error: istioctl dashboard: no port of your machine leads here.'],
    ['istioctl install --set profile=demo -y', 'Error: istioctl install: the mesh is installed already.'],
    ['istioctl x precheck', 'Error: istioctl experimental precheck: there is no other release to go to.'],
  ])('says what does the work of %s', async (line, text) => {
    expect(await run(line)).toMatchObject({ out: '', code: 1 });
    expect((await run(line)).err).toContain(text);
  });
});

describe('istioctl version and validate', () => {
  it('prints versions in each form', async () => {
    expect((await run('istioctl version --remote=false')).out).toMatch(/^client version: [\d.]+\n$/);
    const { clientVersion, dataPlaneVersion } = JSON.parse((await run('istioctl version -o json')).out);
    expect(clientVersion.version).toMatch(/^[\d.]+$/);
    expect(dataPlaneVersion).toContainEqual({ ID: 'frontend-1.shop', IstioVersion: clientVersion.version });
    expect((await run('istioctl version -o frog')).err).toBe("Error: --output must be 'yaml' or 'json'\n");
  });

  it('tells of files whether the cluster would accept them', async () => {
    const mesh = await createMesh();
    const service = (field: string): string =>
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: a }\nspec: { hosts: [a], ${field}: [{ route: [{ destination: { host: a } }] }] }`;
    await mesh.run(`cat > good.yaml <<EOF\n${service('http')}\nEOF`, `cat > bad.yaml <<EOF\n${service('htp')}\nEOF`);
    expect(await mesh.run('istioctl validate -f good.yaml')).toMatchObject({ err: '"good.yaml" is valid\n', code: 0 });
    const { err, code } = await mesh.run('istioctl validate -f bad.yaml');
    expect(err).toContain('htp');
    expect(err).toContain('Error: "bad.yaml" is not valid\n');
    expect(code).toBe(1);
    expect(mesh.sandbox.store.list('VirtualService').map(({ metadata }) => metadata.name)).not.toContain('a');
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
      err:
        'Error: Analyzers found issues when analyzing namespace: default.\n' +
        'See https://istio.io/v1.31/docs/reference/config/analysis for more information about causes and resolutions.\n',
      code: 79,
      more: false,
    });
    expect((await shop.run('istioctl analyze -n shop')).out).toBe(
      'Error [IST0101] (VirtualService shop/reviews) elsewhere\n',
    );
    expect(JSON.parse((await shop.run('istioctl analyze -n shop -o json')).out)).toEqual([
      {
        code: 'IST0101',
        documentationUrl: 'https://istio.io/v1.31/docs/reference/config/analysis/ist0101/?ref=istioctl-analyze',
        level: 'Error',
        message: 'elsewhere',
        origin: 'VirtualService shop/reviews',
      },
    ]);
    expect((await shop.run('istioctl analyze -A --output-threshold Error')).out).not.toContain('Warning');
    expect(await shop.run('istioctl analyze -S "IST0101=VirtualService rev*.default"')).toMatchObject({ code: 0 });
    expect((await shop.run('istioctl analyze --failure-threshold Warning -S "IST0101=*"')).code).toBe(79);
  });

  it('tells of a namespace only what is about it', async () => {
    const shop = await createMesh();
    const origin = { kind: 'Namespace', namespace: '', name: 'shop', path: '' };
    shop.sandbox.validate = () => [{ code: 'IST0102', severity: 'info', message: 'not enabled', origin }];
    expect((await shop.run('istioctl analyze')).out).toBe('');
    expect((await shop.run('istioctl analyze -n shop')).out).toBe('Info [IST0102] (Namespace shop) not enabled\n');
  });

  it('analyzes files alone with --use-kube=false', async () => {
    const shop = await createMesh();
    await shop.run(
      'cat > lone.yaml <<EOF\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: lone }\nspec: { hosts: [a], gateways: [nope], http: [{ route: [{ destination: { host: a } }] }] }\nEOF',
    );
    expect((await shop.run('istioctl analyze --use-kube=false lone.yaml')).out).toContain('[IST0101]');
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
