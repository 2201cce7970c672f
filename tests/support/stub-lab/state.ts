import type { CheckView, PodView, PushView } from '#contract';

export const reviewsYaml = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
  - name: jason-sees-v2
    match:
    - headers:
        end-user: { exact: jason }
    route:
    - destination: { host: reviews, subset: v2 }
  - name: everyone
    route:
    - destination: { host: reviews, subset: v1 }
      weight: 90
    - destination: { host: reviews, subset: v3 }
      weight: 10
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
  - name: v3
    labels: { version: v3 }
    trafficPolicy:
      connectionPool:
        tcp: { maxConnections: 1 }
        http: { http1MaxPendingRequests: 1 }
`;

export function checksAt(limit: number): CheckView[] {
  const enough = limit > 1;
  return [
    { id: 'gets-traffic', title: 'v3 gets traffic: 41 of 412', objective: '20.1', state: 'met' },
    enough
      ? { id: 'few-fail', title: 'Fewer than 1 in 100 fail', objective: '20.2', state: 'met' }
      : {
          id: 'few-fail',
          title: 'Fewer than 1 in 100 fail',
          objective: '20.2',
          state: 'unmet',
          seen: '15 of 412 failed',
          wanted: '4 or fewer',
          look: "v3's pool in reviews.yaml",
        },
    {
      id: 'limit',
      title: 'v3 keeps a limit of at most 4 connections',
      objective: '20.3',
      state: enough ? 'met' : 'waiting',
    },
    {
      id: 'who',
      title: 'Who answered each request',
      objective: '20.4',
      state: 'unmet',
      question: {
        prompt: 'Who answered?',
        items: ['503 UO', '200 after 508 ms'],
        choices: ["productpage's proxy", 'reviews v3', 'ratings'],
      },
    },
  ];
}

function pod(service: string, version: string, ip: string, role: PodView['role'] = 'app'): PodView {
  const name = role === 'app' ? `${service}-${version}-7c9d` : `${service}-6f4b`;
  return {
    name,
    namespace: role === 'app' ? 'default' : 'istio-system',
    ip,
    service,
    version,
    ready: role === 'app' ? 2 : 1,
    total: role === 'app' ? 2 : 1,
    phase: 'Running',
    role,
    proxied: role !== 'control-plane',
  };
}

export const pods: PodView[] = [
  pod('istiod', 'latest', '127.16.0.2', 'control-plane'),
  pod('istio-ingressgateway', 'latest', '127.16.0.3', 'gateway'),
  pod('productpage', 'v1', '127.16.1.1'),
  pod('details', 'v1', '127.16.1.2'),
  pod('reviews', 'v1', '127.16.1.3'),
  pod('reviews', 'v2', '127.16.1.4'),
  pod('reviews', 'v3', '127.16.1.5'),
  pod('ratings', 'v1', '127.16.1.6'),
];

export function pushOf(number: number, title: string, atMs: number, refusedBy?: string): PushView {
  const names = pods.filter((one) => one.proxied).map((one) => one.name);
  const proxies = names.map((name, index) => {
    const sentMs = 2 + index * 1.7;
    const settledMs = sentMs + 9 + ((index * 37) % 23) + (index === names.length - 1 ? 45 : 0);
    const base = {
      pod: name,
      namespace: 'default',
      types: ['CDS', 'EDS', 'LDS', 'RDS'],
      bytes: 18_400 + index * 311,
      sentMs,
      settledMs,
    };
    if (name !== refusedBy) return { ...base, state: 'acked' as const };
    const error =
      'Error adding/updating cluster(s) outbound|9080|v3|reviews.default.svc.cluster.local: connect timeout must be positive';
    return { ...base, state: 'nacked' as const, error };
  });
  const settled = refusedBy ? {} : { effectiveMs: Math.max(...proxies.map((proxy) => proxy.settledMs)) };
  return { changeId: `change-${number}`, number, title, atMs, ...settled, proxies };
}
