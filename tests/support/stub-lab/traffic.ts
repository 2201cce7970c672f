import type { ExplanationView, HopView, MeshEdge, MeshNode, MeshView, RequestView, StepView } from '#contract';
import type { Random } from '#domain';

const NODES: MeshNode[] = [
  { id: 'client', service: 'client', version: '', role: 'client', proxied: false, ready: true },
  node('istio-ingressgateway', 'latest', 'gateway'),
  node('productpage', 'v1'),
  node('details', 'v1'),
  node('reviews', 'v1'),
  node('reviews', 'v2'),
  node('reviews', 'v3'),
  node('ratings', 'v1'),
];

function node(service: string, version: string, role: MeshNode['role'] = 'app'): MeshNode {
  return { id: `${service}-${version}`, service, version, role, proxied: true, ready: true };
}

function edge(from: string, to: string, rps: number, p50: number, more: Partial<MeshEdge> = {}): MeshEdge {
  const still = { errorShare: 0, slowShare: 0, mtls: true, flags: {} };
  return { from, to, rps, p50, p90: p50 * 1.6, p99: p50 * 2.4, ...still, ...more };
}

/** Bookinfo under 40 requests a second; with `full` v3's pool refuses a third of its share. */
export function meshAt(atMs: number, full: boolean): MeshView {
  const v3 = full ? { errorShare: 0.37, flags: { UO: 89 } } : {};
  return {
    atMs,
    windowMs: 60_000,
    nodes: NODES,
    edges: [
      edge('client', 'istio-ingressgateway-latest', 40, 24, { mtls: false }),
      edge('istio-ingressgateway-latest', 'productpage-v1', 40, 21),
      edge('productpage-v1', 'details-v1', 40, 4),
      edge('productpage-v1', 'reviews-v1', 36, 9),
      edge('productpage-v1', 'reviews-v2', 0, 0),
      edge('productpage-v1', 'reviews-v3', 4, 212, v3),
      edge('reviews-v2', 'ratings-v1', 0, 0),
      edge('reviews-v3', 'ratings-v1', 2.5, 8, { p90: 508, p99: 511, slowShare: 0.5, flags: { DI: 75 } }),
    ],
  };
}

function hex(random: Random, digits: number): string {
  return Buffer.from(random.bytes(digits / 2)).toString('hex');
}

interface Kind {
  destination: string;
  version: string;
  path: string;
  status: number;
  flags: string[];
  ms: number;
  by: RequestView['answeredBy'];
}

function kindOf(random: Random, full: boolean): Kind {
  const draw = random.below(100);
  const fine = { status: 200, flags: [] as string[], by: 'upstream' as const };
  if (draw < 45)
    return { ...fine, destination: 'details', version: 'v1', path: '/details/0', ms: 3 + random.next() * 3 };
  if (draw < 86)
    return { ...fine, destination: 'reviews', version: 'v1', path: '/reviews/0', ms: 8 + random.next() * 4 };
  if (draw < 94 && full) {
    const refused = { status: 503, flags: ['UO'], by: 'client-proxy' as const };
    return { ...refused, destination: 'reviews', version: 'v3', path: '/reviews/0', ms: 0.3 + random.next() * 0.2 };
  }
  return {
    ...fine,
    destination: 'ratings',
    version: 'v1',
    path: '/ratings/0',
    flags: ['DI'],
    ms: 506 + random.next() * 4,
  };
}

export function requestAt(atMs: number, random: Random, full: boolean): RequestView {
  const kind = kindOf(random, full);
  const inner = kind.destination === 'ratings';
  return {
    id: hex(random, 16),
    traceId: hex(random, 32),
    atMs,
    durationMs: kind.ms,
    source: inner ? 'reviews' : 'productpage',
    sourceVersion: inner ? 'v3' : 'v1',
    destination: kind.destination,
    destinationVersion: kind.version,
    method: 'GET',
    path: kind.path,
    status: kind.status,
    flags: kind.flags,
    mtls: true,
    answeredBy: kind.by,
  };
}

function lines(line: number, endLine = line): Pick<StepView, 'location'> {
  return { location: { file: 'reviews.yaml', line, column: 1, endLine, endColumn: 80 } };
}

function roadOf(request: RequestView): StepView[] {
  const refused = request.flags.includes('UO');
  const draw = refused ? 93 : 41;
  const subset = refused ? 'v3' : 'v1';
  const road: StepView[] = [
    { stage: 'listener', outcome: 'chosen', name: '0.0.0.0_9080', detail: '0.0.0.0_9080, HTTP', atMs: 0.02 },
    {
      stage: 'virtual_host',
      outcome: 'chosen',
      name: 'reviews.default.svc.cluster.local:9080',
      atMs: 0.05,
      rejected: ['details', 'ratings', 'productpage', 'istiod', 'kubernetes'].map((name) => ({
        name,
        reason: `answers to the host ${name}, this request asks for reviews`,
      })),
    },
    {
      stage: 'route',
      outcome: 'chosen',
      name: 'everyone',
      detail: 'everyone takes all the rest',
      atMs: 0.08,
      ...lines(13),
      rejected: [{ name: 'jason-sees-v2', reason: 'needs header end-user: jason, the request has none', ...lines(7) }],
    },
    {
      stage: 'weight',
      outcome: 'chosen',
      name: subset,
      detail: `Drew ${draw} of 100, so ${subset}`,
      evidence: { draw, total: 100, from: refused ? 90 : 0, to: refused ? 100 : 90 },
      atMs: 0.1,
      ...(refused ? lines(17, 18) : lines(15, 16)),
      rejected: refused
        ? [{ name: 'v1', reason: 'takes numbers 0 to 89' }]
        : [{ name: 'v3', reason: 'takes numbers 90 to 99' }],
    },
    {
      stage: 'cluster',
      outcome: 'chosen',
      name: `outbound|9080|${subset}|reviews.default.svc.cluster.local`,
      atMs: 0.12,
      ...lines(refused ? 28 : 26),
    },
  ];
  return refused ? [...road, poolFull()] : [...road, ...reached(request)];
}

function poolFull(): StepView {
  return {
    stage: 'pool',
    outcome: 'stopped',
    name: 'default',
    detail: 'No room. Refused at once.',
    evidence: { connections: 1, maxConnections: 1, waiting: 1, maxWaiting: 1 },
    atMs: 0.3,
    ...lines(32, 33),
  };
}

function reached(request: RequestView): StepView[] {
  const host = '127.16.1.3:9080';
  const peer = `spiffe://cluster.local/ns/default/sa/bookinfo-${request.destination}`;
  return [
    { stage: 'endpoint', outcome: 'chosen', name: host, detail: `${host}, the only one`, atMs: 0.2 },
    { stage: 'tls_peer', outcome: 'passed', name: peer, detail: `TLS 1.3 with ${peer}`, atMs: 0.4 },
    { stage: 'response', outcome: 'passed', name: '200', detail: 'reviews v1 answered 200', atMs: request.durationMs },
  ];
}

function hopOf(request: RequestView, service: string, more: Partial<HopView>): HopView {
  const log = `[2026-03-09T14:20:07.981Z] "GET ${request.path} HTTP/1.1" ${request.status} ${request.flags.join(',') || '-'} ${request.status === 200 ? 'via_upstream' : 'upstream_reset_before_response_started{overflow}'} - "-" 0 81 0 - "-" "python-requests/2.32" "5f0c61f5-7f3c-9cf1-8c5e-7a6f2d0e4b11" "reviews:9080" "-" outbound|9080|v3|reviews.default.svc.cluster.local - 127.16.1.3:9080 127.16.1.1:40112 - everyone`;
  return {
    spanId: request.id,
    traceId: request.traceId,
    requestId: '5f0c61f5-7f3c-9cf1-8c5e-7a6f2d0e4b11',
    proxy: { pod: `${service}-v1-7c9d`, namespace: 'default', service, version: 'v1', role: 'sidecar' },
    direction: 'outbound',
    startMs: request.atMs,
    durationMs: request.durationMs,
    request: {
      method: 'GET',
      authority: 'reviews:9080',
      path: request.path,
      protocol: 'HTTP/1.1',
      headers: [],
      bytes: 0,
    },
    response: { status: request.status, flags: request.flags, details: 'overflow', bytes: 81, headers: [] },
    routeName: 'everyone',
    cluster: '',
    upstreamHost: '',
    attempts: 0,
    mtls: true,
    pushVersion: '4',
    accessLog: log,
    steps: [],
    ...more,
  };
}

export function explain(request: RequestView): ExplanationView {
  const refused = request.flags.includes('UO');
  const gateway = hopOf(request, 'istio-ingressgateway', {
    spanId: '00000000000000aa',
    proxy: {
      pod: 'istio-ingressgateway-6f4b',
      namespace: 'istio-system',
      service: 'istio-ingressgateway',
      version: 'latest',
      role: 'gateway',
    },
    request: {
      method: 'GET',
      authority: 'bookinfo',
      path: '/productpage',
      protocol: 'HTTP/1.1',
      headers: [],
      bytes: 0,
    },
    steps: [{ stage: 'route', outcome: 'chosen', name: 'bookinfo', detail: 'sent to productpage, v1', atMs: 0.1 }],
  });
  const span = { version: 'v1', flags: [] as string[], status: 200 };
  return {
    request,
    verdict: refused
      ? "productpage's proxy refused it: v3's pool was full."
      : `${request.destination} ${request.destinationVersion} answered after ${Math.round(request.durationMs)} ms.`,
    hops: [gateway, hopOf(request, request.source, { steps: roadOf(request) })],
    focus: [request.id],
    flags: refused
      ? [
          {
            flag: 'UO',
            name: 'Upstream overflow',
            meaning: 'A circuit breaker had no room, so the proxy answered at once.',
          },
        ]
      : request.flags.map((flag) => ({ flag, name: 'Delay injected', meaning: 'A fault rule held the request.' })),
    spans: [
      {
        ...span,
        spanId: 'a1',
        depth: 0,
        service: 'istio-ingressgateway',
        kind: 'client',
        operation: 'GET /productpage',
        startMs: 0,
        durationMs: 30.6,
      },
      {
        ...span,
        spanId: 'a2',
        parentSpanId: 'a1',
        depth: 1,
        service: 'productpage',
        kind: 'server',
        operation: 'productpage',
        startMs: 1.2,
        durationMs: 28.9,
      },
      {
        ...span,
        spanId: 'a3',
        parentSpanId: 'a2',
        depth: 2,
        service: 'productpage',
        kind: 'client',
        operation: 'to details',
        startMs: 3.1,
        durationMs: 5.3,
      },
      {
        ...span,
        spanId: 'a4',
        parentSpanId: 'a3',
        depth: 3,
        service: 'details',
        kind: 'server',
        operation: 'details',
        startMs: 4,
        durationMs: 3.5,
      },
      {
        ...span,
        spanId: request.id,
        parentSpanId: 'a2',
        depth: 2,
        service: 'productpage',
        kind: 'client',
        operation: 'to reviews',
        startMs: 11.2,
        durationMs: request.durationMs,
        status: request.status,
        flags: request.flags,
      },
    ],
    ...(refused ? { closest: 'one more place in the pool for reviews v3' } : {}),
  };
}
