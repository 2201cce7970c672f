import type { Sandbox } from '#sandbox';
import type { ProofSpec } from './incident-schema.ts';
import { calleeOf } from './signs.ts';

type NumberSpec = NonNullable<ProofSpec['number']>;

/** One way in which a learner can read a figure: its least and greatest value of the last minute. */
export interface Reading {
  /** Where it stands so, in words that follow the figure. */
  readonly where: string;
  readonly min: number;
  readonly max: number;
}

/** What a figure is measured from. */
export interface FigureSource {
  readonly sandbox: Sandbox;
  readonly pagedMs: number;
  /** The users' requests that have ended since the page, oldest first. */
  readonly users: readonly { readonly traceId: string; readonly endedMs: number }[];
  /** Bytes of the largest push to one proxy. */
  readonly largestPush: number;
}

/** Figures of the trouble, as the views show them while it lasts. */
export interface Figures {
  /** Takes every figure anew; more often than once a second it does nothing. */
  sample(source: FigureSource): void;
  /** Empty when nothing has been measured yet. */
  of(proof: string): readonly Reading[];
}

/** What was on the screen so long ago is still an answer. */
const KEPT_MS = 60_000;
const EVERY_MS = 1000;
/** The window of the map's edges. */
const WINDOW_MS = 10_000;
/** The newest requests of users whose traces a figure is taken from. */
const MEASURED = 40;
/** Fewer requests than this make no figure. */
const ENOUGH = 5;

interface Sample {
  readonly atMs: number;
  readonly where: string;
  readonly value: number;
}

export function createFigures(proofs: readonly Pick<ProofSpec, 'id' | 'number'>[]): Figures {
  const samples = new Map<string, Sample[]>();
  let sampledMs = Number.NEGATIVE_INFINITY;
  return {
    sample: (source) => {
      const nowMs = source.sandbox.clock.now();
      if (nowMs - sampledMs < EVERY_MS) return;
      sampledMs = nowMs;
      for (const { id, number } of proofs) {
        if (!number) continue;
        const kept = (samples.get(id) ?? []).filter(({ atMs }) => atMs >= nowMs - KEPT_MS);
        samples.set(id, [...kept, ...measure(number, source).map((each) => ({ ...each, atMs: nowMs }))]);
      }
    },
    of: (proof) => {
      const found = new Map<string, Reading>();
      for (const { where, value } of samples.get(proof) ?? []) {
        const { min, max } = found.get(where) ?? { min: value, max: value };
        found.set(where, { where, min: Math.min(min, value), max: Math.max(max, value) });
      }
      return [...found.values()];
    },
  };
}

type Measured = Pick<Sample, 'where' | 'value'>;

function measure(spec: NumberSpec, source: FigureSource): Measured[] {
  if (spec.measure === 'bytes')
    return source.largestPush === 0 ? [] : [{ where: 'in the largest push', value: source.largestPush / 1000 }];
  return spec.measure === 'calls' ? callsForEach(spec, source) : latencyOf(spec, source);
}

/** A service counts every try that reaches it; its callers, and so the map and the metrics, count a call with its tries as one. */
function callsForEach({ to = '' }: NumberSpec, { sandbox, users, pagedMs }: FigureSource): Measured[] {
  const nowMs = sandbox.clock.now();
  const traces = tracesOf({ sandbox, users });
  const tries = traces.flat().filter(({ direction, proxy }) => direction === 'inbound' && proxy.service === to);
  const ended = users.filter(({ endedMs }) => endedMs >= nowMs - WINDOW_MS).length;
  const calls = sandbox.hops
    .edges(WINDOW_MS, nowMs)
    .filter(({ destination }) => destination === to)
    .reduce((sum, { requests }) => sum + requests, 0);
  return [
    ...(traces.length < ENOUGH ? [] : [{ where: `tries that reach ${to}`, value: tries.length / traces.length }]),
    // Before that, the map's window shows calm as well.
    ...(ended < ENOUGH || nowMs - pagedMs < WINDOW_MS
      ? []
      : [{ where: `calls as the callers of ${to} count them`, value: calls / ended }]),
  ];
}

function latencyOf({ from, to }: NumberSpec, source: FigureSource): Measured[] {
  const took = tracesOf(source)
    .flat()
    .filter((hop) => hop.direction === 'outbound' && hop.proxy.service === from && calleeOf(hop) === to)
    .map(({ durationMs }) => durationMs)
    .sort((a, b) => a - b);
  const median = took[Math.floor(took.length / 2)];
  return median === undefined || took.length < ENOUGH ? [] : [{ where: `median from ${from} to ${to}`, value: median }];
}

const tracesOf = ({ sandbox, users }: Pick<FigureSource, 'sandbox' | 'users'>) =>
  users
    .slice(-MEASURED)
    .map(({ traceId }) => sandbox.hops.trace(traceId))
    .filter((trace) => trace.length > 0);
