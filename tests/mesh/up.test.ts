import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, type Ran, runUp, startUp, type Up } from './up-support.ts';

const deployment = (name: string, image: string, container = '', namespace = 'shop'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}, version: v1 } }
    spec: { containers: [{ name: main, image: ${image}${container} }] }
---`;

const service = (name: string, port: number, target: number): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: ${port}, targetPort: ${target} }] }
---`;

const SHOP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---
${deployment('echo', 'example/echo-basic:v1', ', env: [{ name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]')}
${service('echo', 8080, 3000)}
${deployment('curl', 'curlimages/curl', ', command: [sleep, infinity]')}
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec:
  gatewayClassName: istio
  listeners: [{ name: http, port: 8000, protocol: HTTP }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: echo, namespace: shop }
spec:
  parentRefs: [{ name: front }]
  rules: [{ backendRefs: [{ name: echo, port: 8080 }] }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ingress, namespace: shop }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: shop }
spec:
  hosts: ['*']
  gateways: [ingress]
  http: [{ route: [{ destination: { host: echo, port: { number: 8080 } } }] }]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: curl, namespace: shop }
spec:
  workloadSelector: { labels: { app: curl } }
  egress:
    - { port: { number: 8080, protocol: HTTP, name: own }, bind: 127.0.0.1, captureMode: NONE, hosts: [./*] }
    - { hosts: ['*/*'] }
`;

interface Answer {
  readonly status: number;
  readonly body: string;
}

const get = (address: string, path: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(`http://${address}${path}`, { timeout: 10_000 }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });

describe('meshwork up', () => {
  let up: Up;
  beforeAll(async () => {
    up = await startUp(SHOP);
  }, 60_000);
  afterAll(async () => {
    await up?.end();
  });

  const find = (app: string) => Object.entries(up.line.pods).find(([, { labels }]) => labels['app'] === app);

  it('prints where the API, the gateways and the pods are', () => {
    expect(up.line.api).toMatch(/^https:\/\/127\.\d+\.0\.1:6443$/);
    expect(up.line.kubeconfig).toBe(`${up.folder}/kubeconfig`);
    const [name, pod] = find('echo') ?? [];
    expect(name).toMatch(/^shop\/echo-/);
    expect(pod).toMatchObject({ ready: '2/2', ports: [3000, 3001], proxy: true });
  });

  it('serves through a Kubernetes Gateway at the port that its listener names', async () => {
    const address = up.line.gateways['shop/front']?.['8000'] ?? '';
    const { status, body } = await get(address, '/hello');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ path: '/hello', pod: find('echo')?.[0].split('/')[1] });
  });

  it('serves through an Istio Gateway at the address of the ingress gateway', async () => {
    const address = up.line.gateways['shop/ingress']?.['80'] ?? '';
    expect(address).toBe(up.line.gateways['istio-system/istio-ingressgateway']?.['80']);
    expect((await get(address, '/hi')).status).toBe(200);
  });

  describe("istiod's debug pages", () => {
    const page = async (path: string): Promise<{ status: number; json: unknown }> => {
      const { status, body } = await get(`${find('istiod')?.[1].ip}:15014`, `/debug/${path}`);
      return { status, json: status === 200 ? JSON.parse(body) : body };
    };
    const podName = (name: string) => `${find(name)?.[0].split('/')[1]}.shop`;

    it('tell what each proxy was sent and took', async () => {
      const row = async () =>
        ((await page('syncz?namespace=shop')).json as Record<string, string>[]).find(
          ({ proxy }) => proxy === podName('echo'),
        );
      expect(await row()).toMatchObject({ cluster_id: 'Kubernetes', proxy_type: 'sidecar', istio_version: '1.31.0' });
      const answered = async () => {
        const now = await row();
        return ['cluster', 'listener', 'route', 'endpoint'].filter(
          (type) => now?.[`${type}_sent`] !== undefined && now[`${type}_sent`] === now[`${type}_acked`],
        );
      };
      await expect.poll(answered, { timeout: 10_000 }).toHaveLength(4);
      const { json: clients } = await page(`adsz?proxyID=${podName('echo')}`);
      expect(clients).toMatchObject({
        totalClients: 1,
        clients: [
          {
            connectionId: expect.stringMatching(`^${podName('echo')}-\\d+$`),
            watches: {
              'type.googleapis.com/envoy.config.cluster.v3.Cluster': [],
              'type.googleapis.com/envoy.config.route.v3.RouteConfiguration': expect.arrayContaining(['8080']),
            },
          },
        ],
      });
    });

    it('tell the services, their endpoints and the objects that rule them', async () => {
      const { json: services } = await page('registryz');
      expect(services).toContainEqual(
        expect.objectContaining({
          hostname: 'echo.shop.svc.cluster.local',
          ports: [{ name: 'http', port: 8080, protocol: 'HTTP' }],
          Resolution: 0,
        }),
      );
      for (const name of ['endpointz', 'endpointShardz']) {
        expect((await page(name)).json).toMatchObject({
          'echo.shop.svc.cluster.local': {
            shop: {
              Shards: {
                'Kubernetes/Kubernetes': [{ Addresses: [find('echo')?.[1].ip], EndpointPort: 3000, TLSMode: 'istio' }],
              },
              ServiceAccounts: { 'spiffe://cluster.local/ns/shop/sa/default': {} },
            },
          },
        });
      }
      const { json: objects } = await page('configz');
      const named = (objects as { kind: string; metadata: { name: string } }[]).map(
        (o) => `${o.kind}/${o.metadata.name}`,
      );
      expect(named).toEqual([
        'Gateway/ingress',
        'GatewayClass/istio',
        'GatewayClass/istio-remote',
        'HTTPRoute/echo',
        'Gateway/front',
        'Sidecar/curl',
        'VirtualService/echo',
      ]);
    });

    it('come with figures that Prometheus can read, under the names of Istio’s dashboards', async () => {
      const { body } = await get(`${find('istiod')?.[1].ip}:15014`, '/metrics');
      const connected = (await page('connections')).json as { totalClients: number };
      expect(body).toContain(`pilot_xds{version="1.31.0"} ${connected.totalClients}\n`);
      for (const line of [
        /^pilot_xds_pushes\{type="cds"\} [1-9]/m,
        /^pilot_xds_push_time_bucket\{type="rds",le="30"\} [1-9]/m,
        /^pilot_proxy_convergence_time_count [1-9]/m,
        /^pilot_k8s_cfg_events\{event="add",type="VirtualService"\} 1$/m,
        /^pilot_push_triggers\{type="config"\} [1-9]/m,
        /^pilot_virt_services [1-9]/m,
        /^pilot_destrule_subsets 0$/m,
        /^istio_build\{component="pilot",tag="1\.31\.0"\} 1$/m,
      ])
        expect(body).toMatch(line);
    });

    it('tell what one proxy sees of the mesh', async () => {
      const { json } = await page(`sidecarz?proxyID=${podName('curl')}`);
      const scope = json as Record<'egressListenerServices' | 'services', unknown[]> & { servicesByHostname: object };
      expect(scope).toMatchObject({
        name: 'curl',
        namespace: 'shop',
        outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
        sidecar: { workloadSelector: { labels: { app: 'curl' } } },
        destinationRules: {},
      });
      // The first listener is for port 8080 alone.
      expect(scope.egressListenerServices).toHaveLength(2);
      expect(scope.egressListenerServices[0]).toEqual([
        expect.objectContaining({ hostname: 'echo.shop.svc.cluster.local' }),
      ]);
      expect(Object.keys(scope.servicesByHostname)).toHaveLength(scope.services.length);
      const { json: gateway } = await page('sidecarz?proxyID=istio-ingressgateway');
      expect(gateway).toMatchObject({ name: 'default-sidecar', egressListenerServices: [null], sidecar: null });
      expect(await page('sidecarz')).toMatchObject({ status: 400 });
      expect(await page('sidecarz?proxyID=nobody')).toMatchObject({ status: 404 });
    });

    it('tell what was made of the objects of the Gateway API, what pods are given, and what was odd in a push', async () => {
      const collections = (await page('krtz')).json as { name: string; state: Record<string, object> }[];
      const named = (name: string) => collections.find((each) => each.name === `gateway/${name}`)?.state ?? {};
      expect(named('informer/HTTPRoutes')['outputs']).toMatchObject({ 'shop/echo': { kind: 'HTTPRoute' } });
      expect(named('HTTPRoute')).toMatchObject({ inputCollection: 'gateway/informer/HTTPRoutes', synced: true });
      const { outputs } = (named('HTTPRoute')['inputs'] as Record<string, { outputs: string[] }>)['shop/echo'] ?? {};
      expect(outputs?.length).toBeGreaterThan(0);
      expect(named('HTTPRoute')['outputs']).toHaveProperty([outputs?.[0] ?? '', 'type', 'kind'], 'VirtualService');
      expect(named('informer/Secrets')['outputs']).toHaveProperty(['istio-system/istio-ca-secret']);
      expect(JSON.stringify(collections)).not.toContain('ca-key.pem');
      const templates = (await page('inject')).json as Record<string, string>;
      expect(Object.keys(templates)).toEqual(['gateway', 'sidecar']);
      expect(templates['sidecar']).toContain('name: istio-proxy');
      const { body } = await get(`${find('istiod')?.[1].ip}:15014`, '/debug/push_status');
      expect(body).toBe(JSON.stringify(JSON.parse(body), undefined, 4));
    });

    it('tell what a proxy is to hold, which is what it holds', async () => {
      const { json } = await page(`config_dump?proxyID=${podName('echo')}`);
      const own = JSON.parse((await get(`${find('echo')?.[1].ip}:15000`, '/config_dump')).body) as {
        configs: object[];
      };
      // istiod prints names of fields as Go does, Envoy as they stand in its API.
      const names = (dump: unknown, clusters: string): string[] =>
        (dump as { configs: Record<string, { cluster: { name: string } }[]>[] }).configs
          .flatMap((part) => (part[clusters] ?? []).map(({ cluster }) => cluster.name))
          .sort();
      expect(names(json, 'dynamicActiveClusters')).toContain('outbound|8080||echo.shop.svc.cluster.local');
      expect(names(json, 'dynamicActiveClusters')).toEqual(names(own, 'dynamic_active_clusters'));
      expect(await page('config_dump?proxyID=nobody')).toMatchObject({ status: 404 });
      expect(await page('config_dump')).toMatchObject({ status: 400 });
    });

    it('tell the mesh, its policies and the services behind a proxy in full', async () => {
      const { json: mesh } = await page('mesh');
      expect(mesh).toMatchObject({
        proxyListenPort: 15001,
        defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012', statusPort: 15020 },
        rootNamespace: 'istio-system',
      });
      expect((await page('authorizationz')).json).toEqual({
        authorization_policies: { namespace_to_policies: {}, root_namespace: 'istio-system' },
      });
      expect((await page('networkz')).json).toBeNull();
      expect((await page('clusterz')).json).toEqual([{ id: 'Kubernetes', secretName: '', syncStatus: 'synced' }]);
      const names = (await page('cachez')).json as Record<string, readonly string[]>;
      const clusters = names['type.googleapis.com/envoy.config.cluster.v3.Cluster'];
      expect(clusters).toContain('outbound|15010||istiod.istio-system.svc.cluster.local');
      const sizes = (await page('cachez?sizes=true')).json as Record<string, string>;
      expect(Object.keys(sizes)).toEqual([...Object.keys(names), 'total']);
      expect(sizes['total']).toMatch(/^\d+\.\dkB$/);
      expect((await page('mcsz')).json).toBeNull();
      const { json: instances } = await page('instancesz');
      expect((instances as Record<string, object[]>)[podName('echo')]).toMatchObject([
        {
          Service: { Attributes: { Type: 'ClusterIP', LabelSelectors: { app: 'echo' } }, Resolution: 0 },
          Port: { name: 'http', port: 8080, protocol: 'HTTP', TargetPort: 3000 },
        },
      ]);
    });
  });

  describe('with the real kubectl', () => {
    let present: Ran | undefined;
    beforeAll(async () => {
      present = await kubectl(up, ['version', '--client']);
      if (present === undefined) console.log('kubectl is not on this machine: its part of this file is skipped');
    });
    const run = async (line: string, input = ''): Promise<Ran> =>
      (await kubectl(up, line.split(' '), input)) ?? { code: 1, out: '', err: 'no kubectl' };

    it('shows an address for the Gateway', async ({ skip }) => {
      if (present === undefined) return skip();
      const { out } = await run(
        'get gateways.gateway.networking.k8s.io -n shop front -o jsonpath={.status.addresses[0].value}',
      );
      expect(`${out}:8000`).toBe(up.line.gateways['shop/front']?.['8000']);
    });

    it('runs commands in containers, and passes on their exit codes', async ({ skip }) => {
      if (present === undefined) return skip();
      const url = 'http://echo:8080/in';
      expect((await run(`exec -n shop deploy/curl -c main -- curl -s ${url}`)).out).toContain('"path": "/in"');
      const script = await kubectl(up, [
        'exec',
        '-n',
        'shop',
        'deploy/curl',
        '-c',
        'main',
        '--',
        'sh',
        '-c',
        'echo a | wc -c; exit 3',
      ]);
      expect(script).toMatchObject({ code: 3, out: '2\n' });
      expect(await run('exec -n shop deploy/curl -c main -- nothing')).toMatchObject({ code: 127 });
    });

    it('copies files into containers and out of them, byte by byte', async ({ skip }) => {
      if (present === undefined) return skip();
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_each, index) => (index * 7) % 256));
      writeFileSync(join(up.folder, 'sent.bin'), bytes);
      const { out: name } = await run('get pods -n shop -l app=curl -o jsonpath={.items[0].metadata.name}');
      expect(await run(`cp ${join(up.folder, 'sent.bin')} shop/${name}:/tmp -c main`)).toMatchObject({ code: 0 });
      expect((await run(`exec -n shop ${name} -c main -- ls /tmp`)).out).toBe('sent.bin\n');
      const back = join(up.folder, 'back.bin');
      expect(await run(`cp shop/${name}:/tmp/sent.bin ${back} -c main`)).toMatchObject({ code: 0 });
      expect(readFileSync(back).equals(bytes)).toBe(true);
    });

    it("reaches what its proxy listens to on the pod's loopback, and nobody else does", async ({ skip }) => {
      if (present === undefined) return skip();
      const own = await run('exec -n shop deploy/curl -c main -- curl -s -H Host:echo:8080 http://127.0.0.1:8080/own');
      expect(JSON.parse(own.out)).toMatchObject({ path: '/own', host: 'echo:8080' });
      await expect(get(`${find('curl')?.[1].ip}:8080`, '/own')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it("reads a proxy's configuration as istioctl does", async ({ skip }) => {
      if (present === undefined) return skip();
      const { out } = await run('exec -n shop deploy/echo -c istio-proxy -- pilot-agent request GET config_dump');
      expect(JSON.parse(out)).toMatchObject({ configs: expect.any(Array) });
    });

    it('applies a Deployment whose pods come up, roll out and roll back', async ({ skip }) => {
      if (present === undefined) return skip();
      const later = deployment('later', 'istio/examples-helloworld-v1');
      expect((await run('apply -f -', later)).code).toBe(0);
      expect((await run('rollout status -n shop deploy/later --timeout=30s')).out).toContain('successfully rolled out');
      await run('set image -n shop deploy/later main=istio/examples-helloworld-v2');
      await run('rollout status -n shop deploy/later --timeout=30s');
      expect((await run('rollout history -n shop deploy/later')).out).toMatch(/1 .*\n2 /);
      await run('rollout undo -n shop deploy/later');
      expect((await run('rollout status -n shop deploy/later --timeout=30s')).code).toBe(0);
      const image = '-o jsonpath={.spec.template.spec.containers[0].image}';
      expect((await run(`get deploy -n shop later ${image}`)).out).toBe('istio/examples-helloworld-v1');
    });

    it('opens a LoadBalancer that comes later', async ({ skip }) => {
      if (present === undefined) return skip();
      await run('expose deploy echo -n shop --name=outside --type=LoadBalancer --port=9999 --target-port=3000');
      const where = await run('get svc -n shop outside -o jsonpath={.status.loadBalancer.ingress[0].ip}');
      expect((await get(`${where.out}:9999`, '/lb')).status).toBe(200);
    });

    it('tells of an image that does not exist which do', async ({ skip }) => {
      if (present === undefined) return skip();
      await run('create deployment strange -n shop --image=example.org/strange:1');
      await run('wait -n shop --for=jsonpath={.status.unavailableReplicas}=1 deploy/strange --timeout=10s');
      const { out } = await run('describe pod -n shop -l app=strange');
      expect(out).toMatch(/failed to pull "example\.org\/strange:1": the lab has no such image; it has .*echo-basic/);
    });
  });

  it('ends cleanly with a signal', async () => {
    const other = await startUp('');
    expect(Object.keys(other.line.pods).join()).toContain('istio-system/istiod-');
    expect(await other.end('SIGINT')).toBe(0);
  }, 60_000);

  it('refuses what the API would refuse, with the place, and ends with 1', async () => {
    const { code, out, err } = await runUp(
      ['-f', '-'],
      'apiVersion: v1\nkind: Service\nmetadata: { name: UPPER }\nspec: {}\n',
    );
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^-:4: error \w+: Service default\/UPPER spec\.ports: Required value/m);
  }, 60_000);

  it('ends with 2 and its usage for a wrong call', async () => {
    const { code, err } = await runUp(['surprise']);
    expect(code).toBe(2);
    expect(err).toContain('usage: meshwork up');
  });

  it.each([
    ['a proxy that is unknown', 'nginx', '--proxy takes envoy or meshwork, not "nginx"'],
    ['an Envoy that is not installed', 'envoy', '--proxy envoy: there is no envoy on PATH'],
  ])('ends with 2 for %s', async (_, proxy, why) => {
    const { code, err } = await runUp(['--proxy', proxy], '', { PATH: '/nonexistent' });
    expect([code, err.split('\n')[0]]).toEqual([2, `meshwork up: ${why}`]);
  });
});
