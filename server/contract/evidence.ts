import { z } from 'zod';
import type { SourceLocation } from '../domain/index.ts';
import type { HopView } from './views.ts';

const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}\.ya?ml$/i, 'a file name such as reviews.yaml');
const files = z.array(z.object({ file: fileName, text: z.string().max(1_048_576, 'at most 1 MiB a file') })).max(20);

/** What the views of evidence ask: metrics, certificates, events, pushes, lines, and what unsaved text would do. */
export const evidenceSchemas = {
  /** Golden signals of the last `seconds`, ending at `untilMs` (absent: now). Answers MetricsView. */
  'metrics.read': z.object({
    by: z.enum(['edge', 'service', 'version']),
    seconds: z.number().int().min(60).max(1800),
    untilMs: z.number().min(0).optional(),
  }),
  /** Answers CertificatesView: every proxy's, without keys. */
  'certificates.read': z.object({}),
  /** Answers HandshakesView for the request with this id. */
  'handshakes.read': z.object({ request: z.string().regex(/^[0-9a-f]{16}$/) }),
  /** Answers EventsView: the cluster's events and the lab's own. */
  'events.read': z.object({}),
  /** The newest lines of all access logs. Answers AccessLogView. */
  'log.read': z.object({}),
  /** What one proxy was sent by a push, resource by resource. Answers PushChangesView. */
  'push.changes': z.object({
    push: z.number().int().min(1),
    pod: z.string().max(253),
    namespace: z.string().max(63),
  }),
  /** Which lines of the applied text the newest requests went through. Answers CaughtLinesView. */
  'lines.caught': z.object({}),
  /** One request through proxies that hold the unsaved text; nothing is sent. Answers RouteTrialView. */
  'route.try': z.object({
    files,
    /** `namespace/pod`. */
    from: z.string().regex(/^[a-z0-9-]{1,63}\/[a-z0-9.-]{1,253}$/),
    method: z.string().regex(/^[A-Z]{1,20}$/),
    url: z.string().max(2048),
    headers: z.array(z.tuple([z.string().min(1).max(100), z.string().max(4096)])).max(30),
  }),
  /** What applying these files would change. Answers EffectView. */
  'yaml.preview': z.object({ files }),
  /** The text with its YAML laid out anew; comments stay. Answers { text }. */
  'yaml.format': z.object({ text: z.string().max(1_048_576) }),
} as const;

/** One edge, service or version along time; every array has one figure for each step, oldest first. */
export interface MetricSeries {
  key: string;
  /** Absent unless the series is an edge. */
  from?: { service: string; version: string };
  to: { service: string; version: string };
  /** Requests a second. */
  rps: number[];
  /** Of 1; null where nobody asked. */
  errorShare: (number | null)[];
  /** Milliseconds, at most 4 % off; null where nobody asked. */
  p50: (number | null)[];
  p90: (number | null)[];
  p99: (number | null)[];
  /** Requests under way at a time, on average. */
  inFlight: number[];
  /** Over the whole window. */
  total: { requests: number; errors: number; flags: Record<string, number>; p50?: number; p90?: number; p99?: number };
}

export interface MetricsView {
  fromMs: number;
  untilMs: number;
  stepMs: number;
  /** Busiest first. */
  series: MetricSeries[];
  /** Edges beyond the number that is kept; 0: none was left out. */
  leftOut: number;
}

/** One X.509 certificate, as `openssl x509 -text` names its parts. */
export interface CertificateView {
  subject: string;
  issuer: string;
  /** Lower-case hex. */
  serial: string;
  notBeforeMs: number;
  notAfterMs: number;
  /** `URI:spiffe://…`, `DNS:…` */
  names: string[];
  /** `ECDSA P-256`, `RSA 2048`. */
  key: string;
  isCa: boolean;
  /** Lower-case hex SHA-256 of the DER. */
  sha256: string;
}

export interface ProxyCertificatesView {
  pod: string;
  namespace: string;
  service: string;
  version: string;
  role: 'app' | 'gateway';
  spiffeId: string;
  /** Leaf first, up to the root where the bundle has it. Empty: the CA has not answered yet. */
  chain: CertificateView[];
  /** Digests of the roots that it trusts. */
  trusts: string[];
  /** Certificates that it had, newest first; the first is in force. */
  rotations: { atMs: number; serial: string; notBeforeMs: number; notAfterMs: number }[];
  /** Certificates of Secrets that istiod serves to it: gateways'. */
  served: { name: string; chain: CertificateView[] }[];
}

export interface CertificatesView {
  nowMs: number;
  trustDomain: string;
  /** Every root that some proxy trusts. */
  roots: CertificateView[];
  proxies: ProxyCertificatesView[];
}

/** A TLS handshake as one proxy saw it. */
export interface HandshakeView {
  pod: string;
  side: 'client' | 'server';
  /** The proxy's handshake with the workload that asked, or with the one that it asked. */
  peer: 'downstream' | 'upstream';
  /** The connection was open already: an earlier request made the handshake. */
  reused: boolean;
  offered: { serverName: string; alpn: string[]; versions: string[] };
  /** `alpn`: absent where nobody told. */
  agreed?: { version: string; cipher: string; alpn?: string };
  /** What this side showed of itself. */
  own: CertificateView[];
  /** What the peer showed, leaf first. */
  shown: CertificateView[];
  /** The root that vouches for what the peer showed; absent: none does, or none was asked. */
  anchor?: CertificateView;
  /** Roots in the bundle that was asked; undefined: nobody verified. */
  bundle?: number;
  /** In words, the names of which the peer had to prove one; empty: any that the roots vouch for. */
  expected: string[];
  /** Names in the peer's certificate. */
  names: string[];
  /** Envoy's transport failure reason. */
  failure?: string;
}

export interface HandshakesView {
  request: string;
  handshakes: HandshakeView[];
  /** Hops that crossed the wire without TLS, in words. */
  plaintext: string[];
}

export interface EventView {
  id: string;
  atMs: number;
  source: 'kubernetes' | 'lab';
  type: 'Normal' | 'Warning';
  reason: string;
  /** `Pod/reviews-v1-…`; empty: about the lab. */
  object: string;
  namespace: string;
  message: string;
  count: number;
  /** Who told it: `kubelet`, `istiod`. */
  by: string;
}

export interface EventsView {
  /** Newest first. */
  events: EventView[];
}

/** One line of a proxy's access log, as `kubectl logs -c istio-proxy` shows it. */
export interface LogLineView {
  spanId: string;
  /** Opens the decision path of the call; absent where no call is known. */
  request?: string;
  atMs: number;
  pod: string;
  service: string;
  version: string;
  direction: 'inbound' | 'outbound';
  line: string;
  status: number;
  flags: { flag: string; name: string; meaning: string }[];
}

export interface AccessLogView {
  /** Newest first. */
  lines: LogLineView[];
}

/** A field of an object, and where it stands in the applied text. */
export interface OriginView {
  kind: string;
  namespace: string;
  name: string;
  path: string;
  location?: SourceLocation;
}

export interface ResourceChangeView {
  /** `CDS`, `EDS`, `LDS`, `RDS` … */
  type: string;
  name: string;
  change: 'added' | 'changed' | 'resent' | 'removed';
  /** The resource as indented JSON; absent before it was added and after it was removed. */
  before?: string;
  after?: string;
  /** The objects behind it, with their place in the applied text. */
  origins: OriginView[];
}

export interface PushChangesView {
  push: number;
  pod: string;
  responses: {
    type: string;
    bytes: number;
    /** After the change was stored. */
    sentMs: number;
    settledMs?: number;
    state: 'sent' | 'acked' | 'nacked';
    error?: string;
  }[];
  changes: ResourceChangeView[];
}

/** Lines of the applied text that decided about requests. */
export interface CaughtLinesView {
  /** How many requests were looked at. */
  looked: number;
  /** Number of the push since which they were; absent: since the start. */
  sincePush?: number;
  lines: {
    file: string;
    line: number;
    endLine: number;
    /** Ids of the requests it decided about, newest last; at most 200. */
    requests: string[];
    caught: number;
    /** Of them, how many it ended. */
    stopped: number;
  }[];
}

/** One row of the match table: a route of the virtual host that was looked into. */
export interface RouteRowView {
  name: string;
  result: 'chosen' | 'rejected' | 'not reached';
  reason: string;
  /** How many of its conditions hold, and how many it has. */
  held?: number;
  conditions?: number;
  location?: SourceLocation;
}

export interface RouteTrialView {
  /** In one sentence: where it would go. */
  verdict: string;
  status: number;
  flags: string[];
  /** `reviews v1`; empty when a proxy answers itself. */
  reaches: string;
  cluster: string;
  rows: RouteRowView[];
  /** The rejected route that came nearest, in words. */
  closest?: string;
  hops: HopView[];
  /** What had to be assumed, and what a proxy refused. */
  notes: string[];
  /** The same request under what is in force. */
  inForce: { status: number; flags: string[]; reaches: string; cluster: string; same: boolean };
}

export interface EffectView {
  objects: { kind: string; namespace: string; name: string; outcome: 'created' | 'configured' | 'unchanged' }[];
  /** Proxies whose configuration changes, with the types and names of what does. */
  proxies: { pod: string; changes: { type: string; name: string; change: 'added' | 'changed' | 'removed' }[] }[];
  /** Proxies in all. */
  outOf: number;
  /** Hosts whose clients are concerned. */
  hosts: string[];
  /** The newest requests, replayed before and after without being sent. */
  replayed: number;
  elsewhere: { request: string; from: string; what: string; before: string; after: string; count: number }[];
  /** Why nothing was replayed, or not all. */
  notes: string[];
}

export interface EvidenceResults {
  'metrics.read': MetricsView;
  'certificates.read': CertificatesView;
  'handshakes.read': HandshakesView;
  'events.read': EventsView;
  'log.read': AccessLogView;
  'push.changes': PushChangesView;
  'lines.caught': CaughtLinesView;
  'route.try': RouteTrialView;
  'yaml.preview': EffectView;
  'yaml.format': { text: string };
}
