import type { ExplanationView, HopView, LeftOutView, StepView } from '#contract';
import { serviceTitle } from '../parts/titles.ts';

/** One thing on the road, in the order in which it stands. */
export type RoadPart =
  | { kind: 'passed-hop'; key: string; number: number; hop: HopView; words: string }
  | { kind: 'hop'; key: string; number: number; hop: HopView; stopped: boolean }
  | { kind: 'step'; key: string; step: StepView }
  | { kind: 'left-out'; key: string; rules: LeftOutView[] }
  | { kind: 'attempt'; key: string; attempt: number }
  | { kind: 'not-reached'; key: string; words: string };

const LABELS: Record<StepView['stage'], string> = {
  capture: 'Capture',
  listener: 'Listener',
  filter_chain: 'Filter chain',
  tls_server: 'TLS, as server',
  http_filter: 'Filter',
  virtual_host: 'Virtual host',
  route: 'Route',
  weight: 'Weight',
  cluster: 'Cluster',
  endpoint: 'Endpoint',
  pool: 'Pool',
  tls_peer: 'TLS peer',
  attempt: 'Attempt',
  response: 'Response',
};

export function labelOf(step: StepView): string {
  return LABELS[step.stage];
}

export function proxyName(hop: HopView): string {
  const service = serviceTitle(hop.proxy.service);
  return hop.proxy.role === 'gateway' ? service : `${service}’s own proxy`;
}

export function directionWords(hop: HopView): string {
  if (hop.proxy.role === 'gateway') return `for ${hop.request.authority}`;
  const host = hop.request.authority.split(':')[0] ?? hop.request.authority;
  return hop.direction === 'outbound' ? `outbound: from its app to ${host}` : 'inbound: to its app';
}

/** `sent to productpage, v1`: what a hop that is not looked into did. */
export function passedWords(hop: HopView): string {
  const { status, flags } = hop.response;
  const answer = status === 0 ? 'no answer' : `answered ${status}`;
  if (flags.length > 0) return `${answer}, ${flags.join(' ')}`;
  const [direction, , subset, host = ''] = hop.cluster.split('|');
  const service = host.split('.')[0] ?? host;
  if (direction === 'outbound') return subset ? `sent to ${service}, ${subset}` : `sent to ${service}`;
  return direction === 'inbound' ? 'handed to its app' : answer;
}

const AFTER: Partial<Record<StepView['stage'], string>> = {
  listener: 'Virtual host, route, cluster, endpoint.',
  filter_chain: 'Virtual host, route, cluster, endpoint.',
  tls_server: 'Filters and the app.',
  http_filter: 'What stands behind this filter.',
  virtual_host: 'Route, cluster, endpoint.',
  route: 'Cluster, endpoint.',
  weight: 'Cluster, endpoint.',
  cluster: 'Endpoint, TLS peer.',
  pool: 'Endpoint, TLS peer. No retry on overflow.',
  endpoint: 'TLS peer, the app.',
  tls_peer: 'The app.',
};

/** The whole road: hops before, the hops in focus with their steps, what was not reached. */
export function roadOf(explanation: Pick<ExplanationView, 'hops' | 'focus'>): RoadPart[] {
  const focus = new Set(explanation.focus);
  const parts: RoadPart[] = [];
  for (const [index, hop] of explanation.hops.entries()) {
    const number = index + 1;
    if (!focus.has(hop.spanId)) {
      parts.push({ kind: 'passed-hop', key: hop.spanId, number, hop, words: passedWords(hop) });
      continue;
    }
    const stop = hop.steps.find((step) => step.outcome === 'stopped');
    parts.push({ kind: 'hop', key: hop.spanId, number, hop, stopped: stop !== undefined });
    parts.push(...withLeftOut(stepsOf(hop), hop));
    const beyond = stop && AFTER[stop.stage];
    if (beyond) parts.push({ kind: 'not-reached', key: `${hop.spanId} beyond`, words: beyond });
  }
  return parts;
}

/** Rules that had no part stand behind the step that they would have decided: policies of an app behind filters, others behind routes. */
function withLeftOut(parts: RoadPart[], { direction, leftOut = [], proxy, spanId }: HopView): RoadPart[] {
  if (leftOut.length === 0) return parts;
  const isPolicies = direction === 'inbound' && proxy.role !== 'gateway';
  const lastOf = (stages: ReadonlySet<StepView['stage']>): number =>
    parts.findLastIndex((part) => part.kind === 'step' && stages.has(part.step.stage));
  const routed = isPolicies ? -1 : lastOf(ROUTE_STAGES);
  const chosen = routed < 0 ? lastOf(CONNECTION_STAGES) : routed;
  const at = chosen < 0 ? parts.length : chosen + 1;
  return parts.toSpliced(at, 0, { kind: 'left-out', key: `${spanId} left out`, rules: leftOut });
}

const ROUTE_STAGES: ReadonlySet<StepView['stage']> = new Set(['route', 'virtual_host']);
const CONNECTION_STAGES: ReadonlySet<StepView['stage']> = new Set(['filter_chain', 'tls_server', 'http_filter']);

function stepsOf(hop: HopView): RoadPart[] {
  const several = new Set(hop.steps.map((step) => step.attempt ?? 0)).size > 2;
  let attempt = 0;
  return hop.steps.flatMap((step, index): RoadPart[] => {
    const begins = several && step.attempt !== undefined && step.attempt !== attempt;
    attempt = step.attempt ?? attempt;
    const part: RoadPart = { kind: 'step', key: `${hop.spanId} ${index}`, step };
    return begins ? [{ kind: 'attempt', key: `${hop.spanId} try ${attempt}`, attempt }, part] : [part];
  });
}

/** The draw of a weight step, when it has the figures. */
export interface Draw {
  draw: number;
  total: number;
  from: number;
  to: number;
}

export function drawOf(step: StepView): Draw | undefined {
  const { draw, total, from, to } = step.evidence ?? {};
  const known = [draw, total, from, to].every((value) => typeof value === 'number');
  return known && Number(total) > 0
    ? { draw: Number(draw), total: Number(total), from: Number(from), to: Number(to) }
    : undefined;
}

const NAMED: ReadonlySet<StepView['stage']> = new Set([
  'listener',
  'filter_chain',
  'virtual_host',
  'route',
  'cluster',
  'endpoint',
]);

/** What was chosen, by Envoy's own name, where the sentence beneath does not say it already. */
export function nameOf(step: StepView): string | undefined {
  const { name, detail, stage } = step;
  if (!NAMED.has(stage) || name === '' || detail === undefined) return undefined;
  return detail.includes(name) ? undefined : name;
}

/** The step in words. A sentence begins with a capital unless it begins with the name of a thing. */
export function wordsOf(step: StepView): string {
  const text = step.detail ?? step.name;
  if (text.startsWith(step.name) && step.name !== '') return text;
  return /^[a-z]+[,:;]?(\s|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** `v1` of `outbound|9080|v1|reviews.default.svc.cluster.local`; other names, and clusters without a subset, as they are. */
export function subsetOf(name: string): string {
  return /^(?:in|out)bound\|\d+\|([^|]+)\|/.exec(name)?.[1] ?? name;
}

const SAID_ELSEWHERE = new Set(['draw', 'total', 'from', 'to']);

/** The figures that matter without being asked for: all of what stopped the request, and what is near a limit. */
export function mainFiguresOf(step: StepView): string[] {
  const figures = figuresOf(step);
  return step.outcome === 'stopped' ? figures : figures.filter((figure) => / of \d+$/.test(figure));
}

/** Figures of a step that stand as words under it: `connections 1 of 1`, `active requests 3`. */
export function figuresOf(step: StepView): string[] {
  const evidence = step.evidence ?? {};
  return Object.entries(evidence).flatMap(([name, value]) => {
    if (SAID_ELSEWHERE.has(name) || /^max[A-Z]/.test(name) || value === '') return [];
    const limit = evidence[`max${name.charAt(0).toUpperCase()}${name.slice(1)}`];
    const words = name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
    return [limit === undefined ? `${words} ${value}` : `${words} ${value} of ${limit}`];
  });
}

/** `reviews.yaml:14`, or `reviews.yaml:33–34` for several lines. */
export function placeWords(location: { file: string; line: number; endLine: number }): string {
  const end = location.endLine > location.line ? `–${location.endLine}` : '';
  return `${location.file}:${location.line}${end}`;
}
