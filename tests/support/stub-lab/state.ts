import type { CheckView, LabState, LabText, PodView, PushView, SandboxView } from '#contract';

/** A lab that stands still in every respect but traffic: enough to see and test the page before a real server. */
export const LAB = 'full-pool';

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

export const ratingsYaml = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
  - fault:
      delay: { fixedDelay: 500ms, percentage: { value: 50 } }
    route:
    - destination: { host: ratings }
`;

const text: LabText = {
  id: LAB,
  title: 'The full pool',
  day: 20,
  minutes: 25,
  goal: 'Give v3 room without letting it hold every connection.',
  steps: [
    {
      id: 'look',
      title: 'What runs',
      html: '<p>Bookinfo runs with three versions of <code>reviews</code>. Look at the map, then list the pods.</p><pre data-run="kubectl get pods"><code>kubectl get pods</code></pre>',
    },
    {
      id: 'weights',
      title: 'One in ten',
      html: '<p><code>everyone</code> sends 10 % of requests to <b>v3</b>.</p>',
    },
    {
      id: 'who',
      title: 'Who says 503?',
      html: '<p>reviews v3 may hold <b>one</b> connection and let <b>one</b> request wait. Half its calls to ratings are held for 500 ms, so that connection stays busy. Who refuses the rest?</p><pre data-run="istioctl proxy-config cluster deploy/productpage-v1 --subset v3"><code>istioctl proxy-config cluster deploy/productpage-v1 --subset v3</code></pre>',
    },
    { id: 'room', title: 'More room', html: '<p>Give v3 a little more room. Keep a limit.</p>' },
    { id: 'say', title: 'Say it', html: '<p>Write one sentence for the runbook.</p>' },
  ],
};

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

const startNames = [
  'Issue the root certificate',
  'Start the Kubernetes API',
  'Start istiod',
  'Start 8 pods',
  'First answer',
];

/** The sandbox after `done` of its start-up steps. */
export function sandboxAfter(done: number): SandboxView {
  const all = done >= startNames.length;
  return {
    status: all ? 'running' : 'starting',
    steps: startNames
      .slice(0, done + 1)
      .map((name, index) => (index < done ? { name, ms: 84 + index * 117 } : { name })),
    ...(all ? { startMs: 1431, ingressUrl: 'http://127.16.0.3:8080' } : {}),
    pods: all ? pods : [],
  };
}

/** The four pushes of the lab so far, the newest with one slow proxy. */
export function pushesAt(nowMs: number): PushView[] {
  const titles = ['start', 'subsets', '90/10', 'v3 pool'];
  return titles.map((title, index) => pushOf(index + 1, title, nowMs - (4 - index) * 42_000));
}

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

export function stateAt(nowMs: number, done: number): LabState {
  const files = [
    { file: 'reviews.yaml', text: reviewsYaml, readOnly: false },
    { file: 'ratings-delay.yaml', text: ratingsYaml, readOnly: false },
    { file: 'bookinfo.yaml', text: '# Bookinfo: six Deployments and their Services.\n', readOnly: true },
  ];
  return {
    lab: text,
    files,
    applied: files.filter((file) => !file.readOnly).map(({ file, text: applied }) => ({ file, text: applied })),
    sandbox: sandboxAfter(done),
    checks: checksAt(1),
    traffic: [{ id: 'browse', title: 'People browse /productpage', running: true, rps: 40 }],
    pushes: pushesAt(nowMs),
    requests: [],
    mesh: { atMs: nowMs, windowMs: 60_000, nodes: [], edges: [] },
    diagnostics: [],
  };
}
