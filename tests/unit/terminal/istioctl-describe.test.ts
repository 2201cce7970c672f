import { describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { createHarness, type Harness } from './harness.ts';

const cause = (kind: string, name: string): object => ({
  filter_metadata: { istio: { config: `/apis/networking.istio.io/v1/namespaces/default/${kind}/${name}` } },
});
const HOST = 'reviews.default.svc.cluster.local';

const proxy = {
  admin: {
    clusters: () => [
      { name: `outbound|9080|v1|${HOST}`, metadata: cause('destination-rule', 'reviews') },
      { name: `outbound|9081|v1|${HOST}`, metadata: cause('destination-rule', 'gone') },
    ],
    routes: () => [
      {
        name: '9080',
        virtual_hosts: [{ domains: [HOST], routes: [{ metadata: cause('virtual-service', 'reviews') }] }],
      },
    ],
    listeners: () => [],
  },
} as unknown as NonNullable<RunningPod['proxy']>;

const RULES = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  trafficPolicy: { tls: { mode: ISTIO_MUTUAL }, outlierDetection: {} }
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - match: [{ uri: { prefix: /a }, headers: { end-user: { exact: jason } } }]
      fault: { delay: { fixedDelay: 1.5s, percentage: { value: 100 } } }
      route: [{ destination: { host: reviews, subset: v1 }, weight: 100 }]
    - route: [{ destination: { host: reviews, subset: v2 } }]
---
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }, { port: 9081, name: grpc-web-x }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ports }
spec: { selector: { matchLabels: { app: reviews } }, mtls: { mode: STRICT }, portLevelMtls: { "9080": { mode: DISABLE } } }
`;

async function bookinfo(): Promise<Harness> {
  const harness = createHarness({ files: { 'rules.yaml': RULES } });
  harness.sandbox.addPod({ name: 'reviews-1', labels: { app: 'reviews', version: 'v1' }, proxy });
  harness.sandbox.addPod({ name: 'bare-1', labels: { app: 'bare' } });
  await harness.run('kubectl apply -f rules.yaml');
  return harness;
}

describe('istioctl x describe', () => {
  it('tells which rules a pod’s own proxy has, which of their routes reach it, and what it demands of clients', async () => {
    const { out, code } = await (await bookinfo()).run('istioctl x describe pod reviews-1 --ignoreUnmeshed');
    const shown = out.slice(out.indexOf('----'));
    expect(shown).toBe(
      [
        '--------------------',
        'Service: reviews',
        '   Port: http 9080/HTTP targets pod port 9080',
        '   Port: grpc-web-x 9081/GRPC-Web targets pod port 9081',
        '9080:',
        '   DestinationRule: reviews for "reviews"',
        '      Matching subsets: v1',
        '         (Non-matching subsets v2)',
        '      Traffic Policy TLS Mode: ISTIO_MUTUAL',
        '      Policies: outlier detection',
        '   VirtualService: reviews',
        '      Route to host "reviews" subset "v1" with weight 100%',
        '      Fault injection delay:{fixed_delay:{seconds:1 nanos:500000000} percentage:{value:100}}, Match: /a* when headers are end-user=jason',
        '      1 additional destination(s) that will not reach this pod',
        '9081:',
        'WARNING: Proxy is stale; it references to non-existent destination rule gone.default',
        '--------------------',
        'Effective PeerAuthentication:',
        '   Workload mTLS mode: STRICT',
        '   Port Level mTLS mode:',
        '      9080: DISABLE',
        'Applied PeerAuthentication:',
        '   ports.default',
        'Skipping Gateway information (no ingress gateway pods)',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
  });

  it.each([
    ['istioctl x describe pod nope', 'Error: pods "nope" not found'],
    ['istioctl x describe svc nope', 'Error: services "nope" not found'],
    ['istioctl x describe pod', 'Error: expecting pod name'],
    ['istioctl x des thing x', 'Error: unknown resource type "thing"'],
    ['istioctl x describe pod bare-1', 'Error: failed to execute command on sidecar'],
  ])('%s says what is wrong', async (line, words) => {
    const { code, err } = await (await bookinfo()).run(line);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});
