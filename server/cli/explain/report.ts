import type { LeftOut } from '#control-plane';
import type { DecisionStep, HopRecord, Origin, RejectedCandidate, SourceLocation } from '#domain';
import type { ClientView } from '#sandbox';

/** Finds the line of YAML behind an origin. */
export type Locate = (origin: Origin) => SourceLocation | undefined;

export interface Explanation {
  readonly from: string;
  readonly request: { readonly method: string; readonly url: string };
  /** What the client sees. Applications are not run: one that is reached answers 200 with an empty body. */
  readonly answer: {
    readonly status: number;
    readonly flags: readonly string[];
    readonly details: string;
    readonly error?: string;
  };
  readonly hops: readonly ExplainedHop[];
  /** Where the gateway has no port for it: the rules that may have been meant to open one; absent: none. */
  readonly leftOut?: readonly RuledOut[];
  readonly notes: readonly string[];
}

export interface ExplainedHop {
  readonly proxy: string;
  readonly direction: HopRecord['direction'];
  readonly status: number;
  readonly flags: readonly string[];
  readonly details: string;
  readonly route: string;
  readonly cluster: string;
  readonly endpoint: string;
  readonly steps: readonly ExplainedStep[];
  /** Rules that had no part in it, of those that the request may have been meant for; absent: none. */
  readonly leftOut?: readonly RuledOut[];
}

interface Place {
  readonly file: string;
  readonly line: number;
}

interface RuledOut {
  readonly name: string;
  readonly reason: string;
  readonly at?: Place;
}

type ExplainedStep = Omit<DecisionStep, 'atMs' | 'rejected'> & {
  readonly at?: Place;
  readonly rejected?: readonly RuledOut[];
};

export interface ReportInput {
  readonly from: string;
  readonly method: string;
  readonly url: URL;
  readonly view: ClientView;
  readonly hops: readonly HopRecord[];
  readonly notes: readonly string[];
  readonly locate: Locate;
  readonly leftOut: (hop: HopRecord) => readonly LeftOut[];
  /** Of a request that no proxy has seen. */
  readonly closedTo: readonly LeftOut[];
}

export function explainHops(input: ReportInput): Explanation {
  const hops = inOrder(input.hops);
  const { view, method, url, closedTo, locate } = input;
  const first = hops[0];
  return {
    from: input.from,
    request: { method, url: url.href },
    answer: {
      status: view.status,
      flags: first?.response.flags ?? [],
      details: first?.response.details ?? '',
      ...('error' in view && { error: view.error }),
    },
    hops: hops.map((hop) => explainHop(hop, input)),
    ...(closedTo.length > 0 && { leftOut: closedTo.map((each) => ruledOut(each, locate)) }),
    notes: input.notes,
  };
}

/** Proxies finish from the inside out; a reader goes the way of the request. */
function inOrder(hops: readonly HopRecord[]): HopRecord[] {
  return [...hops].sort(
    (a, b) => a.startMs - b.startMs || (a.direction === b.direction ? 0 : a.direction === 'outbound' ? -1 : 1),
  );
}

function explainHop(hop: HopRecord, { locate, leftOut }: ReportInput): ExplainedHop {
  const never = leftOut(hop).map((each) => ruledOut(each, locate));
  return {
    proxy: `${hop.proxy.namespace}/${hop.proxy.pod}`,
    direction: hop.direction,
    status: hop.response.status,
    flags: hop.response.flags,
    details: hop.response.details,
    route: hop.routeName,
    cluster: hop.cluster,
    endpoint: hop.upstreamHost,
    steps: hop.steps.map((step) => explainStep(step, locate)),
    ...(never.length > 0 && { leftOut: never }),
  };
}

function explainStep({ atMs: _atMs, rejected, ...step }: DecisionStep, locate: Locate): ExplainedStep {
  const at = placeOf(step.origin, locate);
  return {
    ...step,
    ...(at && { at }),
    ...(rejected && { rejected: rejected.map((each) => ruledOut(each, locate)) }),
  };
}

function ruledOut({ name, reason, origin }: RejectedCandidate, locate: Locate): RuledOut {
  const place = placeOf(origin, locate);
  return { name, reason, ...(place && { at: place }) };
}

function placeOf(origin: Origin | undefined, locate: Locate): Place | undefined {
  const found = origin && locate(origin);
  return found && { file: found.file, line: found.line };
}

/** The same for a reader. */
export function explanationText({ answer, hops, leftOut, notes, request, from }: Explanation): string {
  const lines = [`${request.method} ${request.url} from ${from}`];
  for (const note of notes) lines.push(`note: ${note}`);
  const flags = answer.flags.length > 0 ? ` ${answer.flags.join(',')}` : '';
  lines.push(
    answer.status > 0 ? `${answer.status}${flags} ${answer.details}` : `no answer${flags}: ${answer.error ?? ''}`,
  );
  lines.push(...otherRules(leftOut));
  hops.forEach((hop, i) => {
    lines.push('', `${i + 1}. ${hop.proxy}, ${hop.direction}`);
    for (const step of hop.steps) {
      lines.push(`   ${step.stage.padEnd(13)} ${step.outcome.padEnd(8)} ${step.name}${atText(step.at)}`);
      if (step.detail) lines.push(`   ${' '.repeat(23)}${step.detail}`);
      for (const { name, reason, at } of step.rejected ?? [])
        lines.push(`   ${' '.repeat(23)}not ${name}: ${reason}${atText(at)}`);
    }
    lines.push(...otherRules(hop.leftOut));
  });
  return lines.join('\n');
}

function otherRules(rules: readonly RuledOut[] | undefined): string[] {
  if (rules === undefined) return [];
  const told = rules.map(({ name, reason, at }) => `   ${' '.repeat(23)}${name}: ${reason}${atText(at)}`);
  return ['   other rules that may be meant', ...told];
}

const atText = (at: Place | undefined): string => (at === undefined ? '' : `  (${at.file}:${at.line})`);
