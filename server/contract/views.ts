import type { DecisionStep, Diagnostic, HopRecord, SourceLocation } from '../domain/index.ts';
import type { BlameResults } from './blame.ts';
import type { EvidenceResults, OriginView } from './evidence.ts';
import type { ForecastResults } from './forecast.ts';
import type { IncidentEvent, IncidentResults } from './incident.ts';
import type { ErrorView, Method } from './messages.ts';
import type { SlowMotionResults } from './slow-motion.ts';
import type { ProgressEvent, TimeTravelResults } from './time-travel.ts';

/** What the server sends. Types only: the browser trusts its own server. Times are milliseconds since 1970. */

export interface FileView {
  file: string;
  text: string;
  /** Read-only files (the lab's topology) open in the editor but are not applied by Apply. */
  readOnly: boolean;
}

export type SandboxStatus = 'starting' | 'running' | 'crashed' | 'stopped';

export interface StartStep {
  name: string;
  /** Absent while it runs. */
  ms?: number;
}

export interface SandboxView {
  status: SandboxStatus;
  steps: StartStep[];
  /** Start to first 200 through the ingress, or to all proxies synced where the lab has no ingress. */
  startMs?: number;
  /** Base URL of the ingress gateway as seen from this machine. */
  ingressUrl?: string;
  pods: PodView[];
  message?: string;
}

export interface PodView {
  name: string;
  namespace: string;
  ip: string;
  service: string;
  version: string;
  ready: number;
  total: number;
  phase: string;
  role: 'app' | 'gateway' | 'control-plane';
  /** Has a sidecar (or is a gateway). */
  proxied: boolean;
}

export interface CheckView {
  id: string;
  title: string;
  objective: string;
  /** met, not yet met, or waits for another check. */
  state: 'met' | 'unmet' | 'waiting' | 'running';
  /** What was seen, wanted, and where to look: three short sentences. */
  seen?: string;
  wanted?: string;
  look?: string;
  /** A question that the learner answers by choosing, one choice per item. */
  question?: { prompt: string; items: string[]; choices: string[] };
}

export interface HintView {
  number: number;
  of: number;
  text: string;
  /** The belief behind a recognised wrong answer. */
  belief?: string;
  /** True when the next hint is the solution. */
  last: boolean;
}

export interface TrafficView {
  id: string;
  title: string;
  running: boolean;
  rps: number;
}

export interface LabState {
  files: FileView[];
  /** Text of the last apply, by file. */
  applied: { file: string; text: string }[];
  sandbox: SandboxView;
  checks: CheckView[];
  traffic: TrafficView[];
  pushes: PushView[];
  requests: RequestView[];
  mesh: MeshView;
  diagnostics: Diagnostic[];
}

export interface ApplyView {
  changeId: string;
  accepted: boolean;
  diagnostics: Diagnostic[];
  objects: { kind: string; namespace: string; name: string; outcome: string }[];
  /** Milliseconds from apply until every affected proxy had accepted; absent when a proxy refused or nothing changed. */
  effectiveMs?: number;
  proxies: number;
  push?: PushView;
}

export interface PushView {
  changeId: string;
  /** 1, 2, 3 … in this sandbox; shown beside the diamond. */
  number: number;
  title: string;
  atMs: number;
  /** Names the first push that carried the change, as istiod writes it; absent: none did. */
  version?: string;
  effectiveMs?: number;
  proxies: {
    pod: string;
    namespace: string;
    types: string[];
    bytes: number;
    sentMs: number;
    settledMs?: number;
    state: 'sent' | 'acked' | 'nacked';
    error?: string;
  }[];
}

export interface RequestView {
  id: string;
  traceId: string;
  atMs: number;
  durationMs: number;
  source: string;
  sourceVersion: string;
  destination: string;
  destinationVersion: string;
  method: string;
  path: string;
  status: number;
  flags: string[];
  mtls: boolean;
  answeredBy: 'upstream' | 'client-proxy' | 'server-proxy';
}

/** A decision step with its place in the learner's files. */
export interface StepView extends Omit<DecisionStep, 'rejected'> {
  location?: SourceLocation;
  rejected?: { name: string; reason: string; held?: number; conditions?: number; location?: SourceLocation }[];
}

export interface HopView extends Omit<HopRecord, 'steps' | 'handshakes'> {
  steps: StepView[];
  /** Rules that had no part at this proxy, of those that the request may have been meant for; absent: none, or nobody asked. */
  leftOut?: LeftOutView[];
}

/** A rule that somebody may have meant, and the first field that kept it from a proxy. */
export interface LeftOutView {
  name: string;
  reason: string;
  location?: SourceLocation;
}

export interface ExplanationView {
  request: RequestView;
  /** One sentence: who answered and why. */
  verdict: string;
  /** The hops that led to this request, its own, and those that it led to, in causal order; its own are `focus`. */
  hops: HopView[];
  focus: string[];
  flags: { flag: string; name: string; meaning: string }[];
  /** Spans of the trace for the waterfall, in depth-first order. */
  spans: SpanView[];
  /** The smallest change that would have let it through, when one is known. */
  closest?: string;
}

export interface SpanView {
  spanId: string;
  parentSpanId?: string;
  depth: number;
  service: string;
  version: string;
  kind: 'client' | 'server';
  operation: string;
  startMs: number;
  durationMs: number;
  status: number;
  flags: string[];
}

export interface MeshNode {
  id: string;
  service: string;
  version: string;
  role: 'app' | 'gateway' | 'client';
  proxied: boolean;
  ready: boolean;
  /** Pods of it that callers have ejected for failing too often, and how many callers did; absent: none. */
  ejected?: { pods: number; by: number };
}

export interface MeshEdge {
  from: string;
  to: string;
  rps: number;
  errorShare: number;
  slowShare: number;
  p50: number;
  p90: number;
  p99: number;
  mtls: boolean;
  flags: Record<string, number>;
}

/** The map: nodes are workloads (service and version), edges come from traffic of the window. */
export interface MeshView {
  atMs: number;
  windowMs: number;
  nodes: MeshNode[];
  edges: MeshEdge[];
}

export interface ProxyDumpView {
  pod: string;
  listeners: object[];
  routes: object[];
  clusters: object[];
  endpoints: object[];
  secrets: object[];
  /** The objects behind each resource, in the same order. */
  behind: Record<'listeners' | 'routes' | 'clusters', OriginView[][]>;
}

export type TerminalOutput = { terminal: string; stream: 'stdout' | 'stderr'; text: string };

/** Sent without being asked for, numbered so that a reconnecting page can tell what it missed. */
export type ServerEvent =
  | { type: 'sandbox'; sandbox: SandboxView }
  | { type: 'mesh'; mesh: MeshView }
  | { type: 'requests'; requests: RequestView[]; dropped: number }
  | { type: 'push'; push: PushView }
  | { type: 'checks'; checks: CheckView[]; newlyMet: string[] }
  | { type: 'traffic'; traffic: TrafficView[] }
  /** `applied`: what is in force now, where that changed as well. */
  | {
      type: 'files';
      files: FileView[];
      reason: 'undo' | 'reset' | 'restore' | 'terminal' | 'others';
      applied?: { file: string; text: string }[];
    }
  /** The lab server could not write the learner's state; told once, until it can again. */
  | { type: 'unkept'; reason: string }
  | { type: 'terminal'; output: TerminalOutput }
  /** `more`: the script is unfinished (open quote, here-document, loop); prompt with `> `. */
  | { type: 'terminal-exit'; terminal: string; exitCode: number; cwd: string; more?: boolean }
  | { type: 'diagnostics'; diagnostics: Diagnostic[] }
  | ProgressEvent
  | IncidentEvent
  | { type: 'replaced'; reason: string };

export type ServerMessage =
  | { seq: number; event: ServerEvent }
  | { id: number; result: unknown }
  | { id: number; error: ErrorView };

/** The answer to each method. */
/** How the learner's own kubectl, istioctl or client reaches the mesh. */
export interface KubeAccessView {
  url: string;
  /** YAML with everything inline. It holds an administrator's token for this mesh and nothing else. */
  kubeconfig: string;
}

type PartResults = EvidenceResults &
  TimeTravelResults &
  IncidentResults &
  ForecastResults &
  SlowMotionResults &
  BlameResults;

export interface Results extends PartResults, Record<Exclude<Method, keyof PartResults>, unknown> {
  'lab.open': LabState;
  'files.save': Record<string, never>;
  'yaml.validate': { diagnostics: Diagnostic[] };
  'yaml.apply': ApplyView;
  'yaml.undo': ApplyView;
  'yaml.reset': LabState;
  'yaml.restore': { files: FileView[] };
  'yaml.solution': { files: { file: string; text: string }[] };
  'request.explain': ExplanationView;
  'request.send': RequestView;
  'traffic.set': { traffic: TrafficView[] };
  'stream.ping': Record<string, never>;
  'terminal.run': { accepted: boolean };
  'terminal.interrupt': Record<string, never>;
  'terminal.open': { history: string[] };
  'terminal.close': Record<string, never>;
  'terminal.complete': { from: number; candidates: string[] };
  'checks.run': { checks: CheckView[] };
  'checks.answer': { checks: CheckView[] };
  'hints.next': HintView;
  'kube.access': KubeAccessView;
  'proxy.dump': ProxyDumpView;
}
