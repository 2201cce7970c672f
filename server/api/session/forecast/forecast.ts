import type { ForecastLine, ForecastRunView, Params, ReplayOutcome } from '#contract';
import type { SentRequest, Traffic } from '#labs';
import type { Sandbox } from '#sandbox';
import { outcomeOf, sumOf } from '../time-travel/run-sum.ts';

/** The last hops of a request may be recorded a moment after its answer reached the client. */
const HOPS_ARRIVE_MS = 1000;
/** Shares are close within ten points, as on the forecasts of days; latencies within a third, and always within 5 ms. */
const POINTS = 10;
const LATENCY_SHARE = 1 / 3;
const LATENCY_MS = 5;

/** Runs what was forecast: a batch of the lab's own traffic, counted by its clients and by the proxies. */
export async function runForecast(
  params: Params<'forecast.run'>,
  { sandbox, traffic }: { readonly sandbox: Sandbox; readonly traffic: Traffic },
): Promise<ForecastRunView> {
  const beganMs = sandbox.clock.monotonic();
  const { path, headers, atOnce } = params;
  const sent = await traffic.batch(params.traffic, params.requests, {
    atOnce,
    ...(path === undefined ? {} : { path }),
    ...(headers === undefined ? {} : { headers }),
  });
  await hopsOf(sent, sandbox);
  const outcomes = sent.map((one) => outcomeOf(one, sandbox.hops));
  const sum = sumOf(outcomes);
  return {
    requests: sent.length,
    lines: linesOf(params, outcomes, sum),
    sum,
    tookMs: sandbox.clock.monotonic() - beganMs,
  };
}

async function hopsOf(sent: readonly SentRequest[], { hops, until }: Sandbox): Promise<void> {
  const arrived = (): boolean => sent.every(({ traceId }) => hops.trace(traceId).length > 0);
  // Requests between pods without proxies leave no hop: reaching the limit is no failure then.
  await until(arrived, HOPS_ARRIVE_MS, 'the hops of a run').catch(() => undefined);
}

function linesOf(
  { statuses, split, p50, p99 }: Params<'forecast.run'>,
  outcomes: readonly ReplayOutcome[],
  sum: ForecastRunView['sum'],
): ForecastLine[] {
  const total = Math.max(1, outcomes.length);
  const counted = (status: string): number =>
    outcomes.filter((one) => (one.status === 0 ? 'none' : String(one.status)) === status).length;
  // What came and was not expected stands beside what was: it was said to be nothing.
  const seen = new Set([
    ...Object.keys(statuses),
    ...outcomes.map(({ status }) => (status === 0 ? 'none' : String(status))),
  ]);
  const shares = [...seen]
    .sort()
    .map((status) =>
      shareLine(
        'status',
        status === 'none' ? 'no answer' : status,
        statuses[status] ?? 0,
        (counted(status) / total) * 100,
      ),
    );
  return [
    ...shares,
    ...(split ? splitLines(split, outcomes) : []),
    ...(p50 === undefined ? [] : [latencyLine('p50', p50, sum.p50)]),
    ...(p99 === undefined ? [] : [latencyLine('p99', p99, sum.p99)]),
  ];
}

function splitLines(
  { service, versions }: NonNullable<Params<'forecast.run'>['split']>,
  outcomes: readonly ReplayOutcome[],
): ForecastLine[] {
  const calls = outcomes.flatMap((one) => one.calls.filter(({ to, version }) => to === service && version !== ''));
  const seen = new Set([...Object.keys(versions), ...calls.map(({ version }) => version)]);
  return [...seen].sort().map((version) => {
    const own = calls.filter((call) => call.version === version).length;
    const was = calls.length === 0 ? 0 : (own / calls.length) * 100;
    return shareLine('split', `${service} ${version}`, versions[version] ?? 0, was);
  });
}

const shareLine = (kind: 'status' | 'split', name: string, said: number, was: number): ForecastLine => ({
  id: `${kind}:${name}`,
  name,
  kind,
  unit: '%',
  said,
  was,
  close: Math.abs(said - was) <= POINTS,
});

const latencyLine = (name: string, said: number, was: number): ForecastLine => ({
  id: `latency:${name}`,
  name,
  kind: 'latency',
  unit: 'ms',
  said,
  was,
  close: Math.abs(said - was) <= Math.max(LATENCY_MS, was * LATENCY_SHARE),
});
