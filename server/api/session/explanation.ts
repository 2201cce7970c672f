import type { ExplanationView, HopView, SpanView, StepView } from '#contract';
import type { LeftOut } from '#control-plane';
import type { DecisionStep, HopRecord, Origin, SourceLocation } from '#domain';
import type { RequestSummary } from '#telemetry';
import { responseFlags, verdictOf } from '#telemetry';
import { closestWay } from './closest-way.ts';
import { requestView } from './views.ts';

type Locate = (origin: Origin) => SourceLocation | undefined;

export interface ExplanationSources {
  readonly locate: Locate;
  /** The rules that a hop's proxy was never sent, of those that its request may have been meant for. */
  readonly leftOut: (hop: HopRecord) => readonly LeftOut[];
}

/** Everything about one answer: who gave it and why, over all proxies of its trace, each step with its place in the YAML. */
export function explain(
  request: RequestSummary,
  trace: readonly HopRecord[],
  { locate, leftOut }: ExplanationSources,
): ExplanationView {
  const ordered = causalOrder(trace);
  const focus = ordered
    .filter(({ hop }) => hop.spanId === request.id || hop.parentSpanId === request.id)
    .map(({ hop }) => hop);
  const flags = [...new Set(focus.flatMap((hop) => hop.response.flags))];
  const closest = closestWay(focus);
  return {
    request: requestView(request),
    verdict: verdictOf(focus),
    hops: related(ordered, focus).map(({ hop }) => ({
      ...hopView(hop, locate),
      ...(focus.includes(hop) && leftOutView(leftOut(hop), locate)),
    })),
    focus: focus.map((hop) => hop.spanId),
    flags: flags.map((flag) => ({
      flag,
      name: responseFlags[flag]?.name ?? flag,
      meaning: responseFlags[flag]?.meaning ?? '',
    })),
    spans: ordered.map(({ hop, depth }) => spanView(hop, depth)),
    ...(closest !== undefined && { closest }),
  };
}

interface Placed {
  readonly hop: HopRecord;
  readonly depth: number;
}

/** Depth first, children by start time; hops whose parent is not a hop are roots. */
function causalOrder(trace: readonly HopRecord[]): Placed[] {
  const ids = new Set(trace.map((hop) => hop.spanId));
  const placed: Placed[] = [];
  const visit = (hop: HopRecord, depth: number): void => {
    if (placed.some((each) => each.hop === hop)) return;
    placed.push({ hop, depth });
    for (const child of byStart(trace.filter((each) => each.parentSpanId === hop.spanId))) visit(child, depth + 1);
  };
  for (const root of byStart(trace.filter((hop) => hop.parentSpanId === undefined || !ids.has(hop.parentSpanId))))
    visit(root, 0);
  return placed;
}

/** The hops that led to this request and those that it led to; calls beside it explain nothing about it. */
function related(ordered: readonly Placed[], focus: readonly HopRecord[]): Placed[] {
  const byId = new Map(ordered.map((placed) => [placed.hop.spanId, placed.hop]));
  const ancestors = (hop: HopRecord | undefined): string[] =>
    hop === undefined
      ? []
      : [hop.spanId, ...ancestors(hop.parentSpanId === undefined ? undefined : byId.get(hop.parentSpanId))];
  const kept = new Set(focus.flatMap(ancestors));
  const own = new Set(focus.map((hop) => hop.spanId));
  return ordered.filter(({ hop }) => kept.has(hop.spanId) || ancestors(hop).some((id) => own.has(id)));
}

const byStart = (hops: readonly HopRecord[]): HopRecord[] => [...hops].sort((a, b) => a.startMs - b.startMs);

/** A hop with the place of each step in the text. */
export function hopView(hop: HopRecord, locate: Locate): HopView {
  // Handshakes are read one request at a time: their certificates are many times the rest.
  const { handshakes: _handshakes, request, response, ...rest } = hop;
  return {
    ...rest,
    request: { ...request, headers: request.headers },
    response: { ...response, headers: response.headers },
    steps: hop.steps.map((step) => stepView(step, locate)),
  };
}

/** The rules that never reached a hop's proxy, each with its place; nothing where there is none. */
export function leftOutView(rules: readonly LeftOut[], locate: Locate): Pick<HopView, 'leftOut'> {
  if (rules.length === 0) return {};
  return {
    leftOut: rules.map(({ name, reason, origin }) => {
      const location = locate(origin);
      return { name, reason, ...(location && { location }) };
    }),
  };
}

function stepView(step: DecisionStep, locate: Locate): StepView {
  const { rejected, ...rest } = step;
  const location = step.origin && locate(step.origin);
  return {
    ...rest,
    ...(location ? { location } : {}),
    ...(rejected
      ? {
          rejected: distinct(rejected).map(({ name, reason, held, conditions, origin }) => {
            const place = origin && locate(origin);
            const counted = held === undefined || conditions === undefined ? {} : { held, conditions };
            return { name, reason, ...counted, ...(place ? { location: place } : {}) };
          }),
        }
      : {}),
  };
}

/** Several filter chains of one name are ruled out by one reason: it is told once. */
function distinct(rejected: NonNullable<DecisionStep['rejected']>): NonNullable<DecisionStep['rejected']> {
  const place = ({ origin }: (typeof rejected)[number]): string => JSON.stringify(origin ?? '');
  return [...new Map(rejected.map((one) => [`${one.name} ${one.reason} ${place(one)}`, one])).values()];
}

function spanView(hop: HopRecord, depth: number): SpanView {
  return {
    spanId: hop.spanId,
    ...(hop.parentSpanId === undefined ? {} : { parentSpanId: hop.parentSpanId }),
    depth,
    service: hop.proxy.service,
    version: hop.proxy.version,
    kind: hop.direction === 'inbound' ? 'server' : 'client',
    operation: `${hop.request.authority}${hop.request.path.split('?')[0]}`,
    startMs: hop.startMs,
    durationMs: hop.durationMs,
    status: hop.response.status,
    flags: [...hop.response.flags],
  };
}
