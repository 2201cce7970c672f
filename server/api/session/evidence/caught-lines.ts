import type { CaughtLinesView, PushView } from '#contract';
import type { DecisionStep, HopRecord } from '#domain';
import type { HopStore, RequestSummary } from '#telemetry';
import type { Locate } from './origins.ts';

/** Requests that are looked at, the newest ones. */
const LOOKED = 200;

interface Caught {
  readonly file: string;
  readonly line: number;
  readonly endLine: number;
  readonly requests: string[];
  stopped: number;
}

/**
 * Which lines of the applied text decided about the newest requests. Only requests since the last push count: earlier ones met another
 * text.
 */
export function caughtLines(hops: HopStore, push: PushView | undefined, locate: Locate): CaughtLinesView {
  const since = push === undefined ? 0 : push.atMs + (push.effectiveMs ?? 0);
  const requests = hops.requests(LOOKED).filter(({ startMs }) => startMs >= since);
  const lines = new Map<string, Caught>();
  const places = new Map<string, ReturnType<Locate>>();
  const placeOf = (step: DecisionStep): ReturnType<Locate> => {
    const { origin } = step;
    if (origin === undefined) return undefined;
    const key = `${origin.kind}/${origin.namespace}/${origin.name}/${origin.path}`;
    if (!places.has(key)) places.set(key, locate(origin));
    return places.get(key);
  };
  for (const request of requests) {
    const met = new Map<string, boolean>();
    for (const step of stepsOf(hops, request)) {
      const place = step.outcome === 'passed' ? undefined : placeOf(step);
      if (place === undefined) continue;
      const { file, line, endLine } = place;
      const key = `${file}:${line}-${endLine}`;
      if (!lines.has(key)) lines.set(key, { file, line, endLine, requests: [], stopped: 0 });
      met.set(key, met.get(key) === true || step.outcome === 'stopped');
    }
    for (const [key, stopped] of met) {
      const caught = lines.get(key);
      caught?.requests.push(request.id);
      if (caught !== undefined && stopped) caught.stopped += 1;
    }
  }
  return {
    looked: requests.length,
    ...(push !== undefined && { sincePush: push.number }),
    lines: [...lines.values()]
      .map((line) => ({ ...line, caught: line.requests.length }))
      .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line),
  };
}

/** Steps of the proxies on both sides of one call. */
function stepsOf(hops: HopStore, { id, traceId }: RequestSummary): readonly DecisionStep[] {
  return hops
    .trace(traceId)
    .filter((hop: HopRecord) => hop.spanId === id || hop.parentSpanId === id)
    .flatMap(({ steps }) => steps);
}
