import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shop } from './gateway-api-shop.ts';
import { applyAndSettle, type RunningMesh, startMesh, urlOf } from './sandbox-support.ts';

const limiter = `
apiVersion: v1
kind: ConfigMap
metadata: { name: ratelimit-config, namespace: default }
data:
  config.yaml: |
    domain: shop
    descriptors:
      - key: PATH
        value: "/shop"
        rate_limit: { unit: minute, requests_per_unit: 10 }
      - key: PATH
        rate_limit: { unit: hour, requests_per_unit: 100 }
---
apiVersion: v1
kind: Service
metadata: { name: ratelimit, namespace: default }
spec:
  selector: { app: ratelimit }
  ports: [{ name: grpc-port, port: 8081, targetPort: 8081 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ratelimit, namespace: default }
spec:
  selector: { matchLabels: { app: ratelimit } }
  template:
    metadata: { labels: { app: ratelimit } }
    spec:
      containers:
        - name: ratelimit
          image: docker.io/envoyproxy/ratelimit:master
          command: ["/bin/ratelimit"]
          env:
            - { name: RUNTIME_ROOT, value: /data }
            - { name: RUNTIME_SUBDIRECTORY, value: ratelimit }
          ports: [{ containerPort: 8081 }]
          volumeMounts: [{ name: config, mountPath: /data/ratelimit/config }]
      volumes: [{ name: config, configMap: { name: ratelimit-config } }]
`;

const rules = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: default }
spec: { hosts: ["*"], gateways: [front], http: [{ route: [{ destination: { host: one } }] }] }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: ask, namespace: istio-system }
spec:
  workloadSelector: { labels: { istio: ingressgateway } }
  configPatches:
    - applyTo: HTTP_FILTER
      match:
        context: GATEWAY
        listener:
          filterChain:
            filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.ratelimit
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
            domain: shop
            failure_mode_deny: true
            timeout: 10s
            rate_limit_service:
              grpc_service:
                envoy_grpc: { cluster_name: outbound|8081||ratelimit.default.svc.cluster.local, authority: ratelimit.default.svc.cluster.local }
              transport_api_version: V3
    - applyTo: VIRTUAL_HOST
      match: { context: GATEWAY, routeConfiguration: { vhost: { name: "", route: { action: ANY } } } }
      patch:
        operation: MERGE
        value:
          rate_limits:
            - actions: [{ request_headers: { header_name: ":path", descriptor_key: PATH } }]
`;

describe('a global rate limit at an ingress gateway', () => {
  let mesh: RunningMesh;

  beforeAll(async () => {
    mesh = await startMesh([shop, { file: 'limiter.yaml', text: limiter }]);
    await applyAndSettle(mesh.sandbox, { file: 'rules.yaml', text: rules });
    // A window of a minute that ends between two requests would count them apart.
    await untilWindowLasts(10_000);
  });
  afterAll(() => mesh?.stop());

  const get = (path: string) => mesh.sandbox.fetchFromOutside(urlOf(mesh.sandbox, path), { timeoutMs: 10_000 });

  it('lets ten requests a minute pass and answers the eleventh with 429, path by path', async () => {
    for (let i = 1; i <= 10; i++) expect((await get('/shop')).status, `request ${i}`).toBe(200);
    const refused = await get('/shop');
    expect(refused.status).toBe(429);
    expect(refused.headers['x-envoy-ratelimited']).toBe('true');
    expect((await get('/other')).status).toBe(200);
  });

  it('is told in the log and in the record of the request', async () => {
    expect((await get('/shop')).status).toBe(429);
    const hop = mesh.events
      .flatMap((event) => (event.type === 'hop' ? [event.hop] : []))
      .find(({ response }) => response.status === 429);
    expect(hop?.response).toMatchObject({ flags: ['RL'], details: 'request_rate_limited' });
    expect(hop?.steps.find(({ name }) => name === 'envoy.filters.http.ratelimit')).toMatchObject({
      outcome: 'stopped',
      detail: 'PATH=/shop is over its limit',
    });
  });

  it('follows its ConfigMap without a restart', async () => {
    const text = limiter.split('---')[0]!.replace('requests_per_unit: 10 }', 'requests_per_unit: 1000 }');
    await applyAndSettle(mesh.sandbox, { file: 'config.yaml', text });
    expect((await get('/shop')).status).toBe(200);
  });
});

/** Resolves when the current minute has at least `ms` left. */
function untilWindowLasts(ms: number): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  return left >= ms ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, left + 10));
}
