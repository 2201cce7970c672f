import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../../server/cli/explain/report.ts';
import { runVerb } from './run-verb.ts';

const shop = `apiVersion: v1
kind: Service
metadata:
  name: reviews
spec:
  selector:
    app: reviews
  ports:
    - name: http
      port: 9080
---
apiVersion: v1
kind: Service
metadata:
  name: empty
spec:
  selector:
    app: nobody
  ports:
    - name: http
      port: 9080
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: reviews-v1
spec:
  selector:
    matchLabels: { app: reviews, version: v1 }
  template:
    metadata:
      labels: { app: reviews, version: v1 }
    spec:
      containers:
        - name: reviews
          image: example.com/reviews:1
          ports:
            - containerPort: 9080
`;

const rule = (http: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:
${http}`;

interface Ran {
  readonly code: number;
  readonly explanation: Explanation;
}

async function explain(files: readonly string[], ...args: string[]): Promise<Ran> {
  const { code, out } = await runVerb('explain', ['-f', '-', '--output', 'json', ...args], files.join('\n---\n'));
  return { code, explanation: JSON.parse(out) as Explanation };
}

const steps = (explanation: Explanation, stage: string) =>
  explanation.hops.flatMap((hop) => hop.steps.filter((step) => step.stage === stage));

describe('meshwork explain', () => {
  it('leads through both sidecars to the endpoint, with the identities that the handshake proved', async () => {
    const { code, explanation } = await explain([shop], '--from', 'default/sleep', 'http://reviews:9080/reviews/0');
    expect(code).toBe(0);
    expect(explanation.answer).toMatchObject({ status: 200, flags: [], details: 'via_upstream' });
    expect(explanation.hops.map(({ proxy, direction }) => `${proxy} ${direction}`)).toEqual([
      'default/sleep outbound',
      'default/reviews-v1 inbound',
    ]);
    expect(steps(explanation, 'tls_server').map(({ name }) => name)).toEqual([
      'spiffe://cluster.local/ns/default/sa/default',
    ]);
    expect(explanation.notes).toEqual([expect.stringContaining('no object describes default/sleep')]);
  });

  it('names the field that ruled a route out, and its line', async () => {
    const http = `    - name: testers
      match:
        - headers:
            end-user:
              exact: jason
      route:
        - destination:
            host: reviews
    - name: everyone
      route:
        - destination:
            host: reviews`;
    const { explanation } = await explain(
      [shop, rule(http)],
      '--from',
      'default/reviews-v1',
      '-H',
      'end-user: mary',
      'http://reviews:9080/',
    );
    const [route] = steps(explanation, 'route');
    expect(route?.name).toBe('everyone');
    const line = `${shop}\n---\n${rule(http)}`.split('\n').findIndex((text) => text.includes('- headers')) + 1;
    expect(route?.rejected).toEqual([
      { name: 'testers', reason: expect.stringContaining('needs header end-user'), at: { file: '-', line } },
    ]);
  });

  it('answers 503 NC for a subset that no DestinationRule names', async () => {
    const http = '    - route:\n        - destination:\n            host: reviews\n            subset: v9';
    const { explanation } = await explain([shop, rule(http)], '--from', 'default/sleep', 'http://reviews:9080/');
    expect(explanation.answer).toMatchObject({ status: 503, flags: ['NC'], details: 'cluster_not_found' });
    expect(explanation.hops).toHaveLength(1);
  });

  it('answers 503 UH for a Service that no pod serves', async () => {
    const { explanation } = await explain([shop], '--from', 'default/sleep', 'http://empty:9080/');
    expect(explanation.answer).toMatchObject({ status: 503, flags: ['UH'], details: 'no_healthy_upstream' });
  });

  it('shows a fault that ends the request in the caller’s proxy', async () => {
    const http =
      '    - fault:\n        abort:\n          httpStatus: 418\n          percentage: { value: 100 }\n      route:\n        - destination:\n            host: reviews';
    const { explanation } = await explain([shop, rule(http)], '--from', 'default/sleep', 'http://reviews:9080/');
    expect(explanation.answer).toMatchObject({ status: 418, flags: ['FI'], details: 'fault_filter_abort' });
  });

  it('gives the same draw of a weight for the same seed', async () => {
    const http =
      '    - route:\n        - destination:\n            host: reviews\n          weight: 50\n        - destination:\n            host: empty\n          weight: 50';
    const draw = async (seed: string): Promise<unknown> => {
      const { explanation } = await explain(
        [shop, rule(http)],
        '--from',
        'default/sleep',
        '--seed',
        seed,
        'http://reviews:9080/',
      );
      return steps(explanation, 'weight')[0]?.evidence?.['draw'];
    };
    expect(await draw('a')).toEqual(await draw('a'));
    expect(await draw('a')).toEqual(expect.any(Number));
  });

  it('enters by a gateway and refuses a path that no rule names', async () => {
    const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: shop
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: ['*']
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  hosts: ['*']
  gateways: [shop]
  http:
    - match:
        - uri: { prefix: /reviews }
      route:
        - destination: { host: reviews, port: { number: 9080 } }`;
    const within = await explain(
      [shop, gateway],
      '--from',
      'gateway:default/shop',
      'http://shop.example.com/reviews/1',
    );
    expect(within.explanation.answer).toMatchObject({ status: 200, details: 'via_upstream' });
    const outside = await explain([shop, gateway], '--from', 'gateway:default/shop', 'http://shop.example.com/cart');
    expect(outside.explanation.answer).toMatchObject({ status: 404, flags: ['NR'], details: 'route_not_found' });
    expect(steps(outside.explanation, 'route')[0]?.rejected).toHaveLength(1);
  });

  it('enters by a Kubernetes Gateway, whose prefixes count whole segments', async () => {
    const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw }
spec:
  gatewayClassName: istio
  listeners: [{ name: http, port: 80, protocol: HTTP }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ name: gw }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /reviews } }]
      backendRefs: [{ name: reviews, port: 9080 }]
    - matches: [{ path: { type: PathPrefix, value: /lost } }]
      backendRefs: [{ name: nothing, port: 9080 }]`;
    const ask = async (path: string) =>
      (await explain([shop, gateway], '--from', 'gateway:default/gw', `http://shop.example.com${path}`)).explanation;
    const within = await ask('/reviews/1');
    expect(within.answer.status).toBe(200);
    expect(within.hops[0]?.proxy).toBe('default/gw-istio');
    expect((await ask('/reviewsx')).answer).toMatchObject({ status: 404, flags: ['NR'] });
    expect((await ask('/lost')).answer).toMatchObject({ status: 500, flags: ['NC'] });
  });

  it('says which Gateways there are when the named one is not', async () => {
    const { code, err } = await runVerb('explain', ['-f', '-', '--from', 'gateway:default/none', 'http://x/'], shop);
    expect(code).toBe(2);
    expect(err).toContain('there is no Gateway default/none; the files hold no Gateway');
  });
});
