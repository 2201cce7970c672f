import { createHarness, type Harness } from './harness.ts';

const REVIEWS = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews, subset: v1 }
`;

/** A namespace with three pods, a service, a deployment and a route. */
export async function createShop(): Promise<Harness> {
  const harness = createHarness({ samples: { 'samples/reviews.yaml': REVIEWS, 'samples/notes.txt': 'no YAML' } });
  const { store } = harness.sandbox;
  const write = { changeId: 'test' };
  store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, write);
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'cart', labels: { app: 'cart' } },
      spec: { selector: { app: 'cart' }, ports: [{ name: 'http2', port: 8080 }] },
    },
    write,
  );
  store.create(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'cart' },
      spec: {
        selector: { matchLabels: { app: 'cart' } },
        template: {
          metadata: { labels: { app: 'cart' } },
          spec: { containers: [{ name: 'app', image: 'example/cart:1', env: [{ name: 'CACHE', value: 'off' }] }] },
        },
      },
    },
    write,
  );
  const proxied = [
    { name: 'istio-init', kind: 'init', state: 'Completed' },
    { name: 'ratings' },
    { name: 'istio-proxy', kind: 'proxy' },
  ] as const;
  harness.sandbox.addPod({ name: 'cart-1', labels: { app: 'cart' }, logs: { app: ['one', 'two'] } });
  harness.sandbox.addPod({ name: 'cart-2', labels: { app: 'cart' }, logs: { app: ['three'] } });
  harness.sandbox.addPod({
    name: 'ratings-v1-abc',
    labels: { app: 'ratings', version: 'v1' },
    containers: proxied,
    logs: { ratings: ['started'], 'istio-proxy': ['[line 1]', '[line 2]', '[line 3]'] },
  });
  await harness.run('kubectl apply -f samples/reviews.yaml');
  harness.changes.length = 0;
  return harness;
}
