import type { ReplayOutcome, ReplayRow, ReplayView } from '#contract';
import type { Clock } from '#domain';
import type { Lab, Sending, SentRequest } from '#labs';
import type { Sandbox } from '#sandbox';
import type { Moment } from './moments.ts';
import { outcomeOf, sumOf } from './run-sum.ts';
import { type SideMesh, withSideMesh } from './side-mesh.ts';

export interface ReplayOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  /** The mesh whose outside conditions hold in the second one too. */
  readonly like: Sandbox;
  readonly sendings: readonly Sending[];
  readonly onProgress: (text: string, done: number, total: number) => void;
}

/** Longest time that the requests of one side may take. */
const SIDE_MS = 40_000;
/** Answers this fast are waited for one by one, so that every draw of every proxy comes in the same order on both sides. */
const QUICK_MS = 60;
const SLOW_AT_ONCE = 16;
const TASTE = 5;
/** The last hops of a request may be recorded a moment after its answer reached the client. */
const HOPS_ARRIVE_MS = 1000;

/** The same requests under two pushes, each in a mesh of its own that starts anew with the lab's seed. */
export async function replay(
  options: ReplayOptions & { readonly from: Moment; readonly to: Moment },
): Promise<ReplayView> {
  const { from, to } = options;
  const before = await runUnder(options, from);
  const after = await runUnder({ ...options, atOnce: before.atOnce }, to);
  const pairs = Math.min(before.outcomes.length, after.outcomes.length);
  return {
    from: from.number,
    to: to.number,
    rows: options.sendings.slice(0, pairs).map((sending, i) => rowOf(sending, i, { options, before, after })),
    before: sumOf(before.outcomes.slice(0, pairs)),
    after: sumOf(after.outcomes.slice(0, pairs)),
    atOnce: before.atOnce,
    ...(pairs < options.sendings.length
      ? { cut: `The time was up after ${pairs} of ${options.sendings.length} requests.` }
      : {}),
  };
}

export interface SideRun {
  readonly outcomes: readonly ReplayOutcome[];
  readonly atOnce: number;
}

/** Sends the requests to a mesh that runs on this moment's objects; `then` looks at the mesh before it is stopped. */
export function runUnder(
  options: ReplayOptions & { readonly atOnce?: number },
  moment: Moment,
  then: (mesh: SideMesh) => Promise<void> = async () => undefined,
): Promise<SideRun> {
  const { lab, clock, like, sendings, onProgress } = options;
  onProgress(`A mesh starts with push ${moment.number}.`, 0, sendings.length);
  return withSideMesh({ lab, clock, like, moment }, async (mesh) => {
    const untilMs = clock.monotonic() + SIDE_MS;
    const sent: SentRequest[] = [];
    let atOnce = options.atOnce ?? 1;
    const send = async (count: number): Promise<void> => {
      const part = sendings.slice(sent.length, sent.length + count);
      sent.push(...(await mesh.traffic.replay(part, { atOnce, untilMs })));
      onProgress(`Push ${moment.number}: ${sent.length} of ${sendings.length} requests.`, sent.length, sendings.length);
    };
    if (options.atOnce === undefined) {
      await send(TASTE);
      if (sent.some(({ tookMs }) => tookMs > QUICK_MS)) atOnce = SLOW_AT_ONCE;
    }
    for (let known = -1; sent.length > known && sent.length < sendings.length; ) {
      known = sent.length;
      await send(Math.max(20, atOnce * 2));
    }
    const { hops } = mesh.sandbox;
    const arrived = (): boolean => sent.every(({ traceId }) => hops.trace(traceId).length > 0);
    // Requests between pods without proxies leave no hop: the limit is no failure then.
    await mesh.sandbox.until(arrived, HOPS_ARRIVE_MS, 'the hops of a replay').catch(() => undefined);
    await then(mesh);
    return { outcomes: sent.map((one) => outcomeOf(one, hops)), atOnce };
  });
}

function rowOf(
  sending: Sending,
  index: number,
  { options, before, after }: { options: ReplayOptions; before: SideRun; after: SideRun },
): ReplayRow {
  const spec = options.lab.spec.traffic.find(({ id }) => id === sending.traffic);
  const [one, two] = [before.outcomes[index] as ReplayOutcome, after.outcomes[index] as ReplayOutcome];
  return {
    number: index + 1,
    traffic: sending.traffic,
    method: spec?.method ?? 'GET',
    path: sending.path ?? new URL(spec?.url ?? 'http://none/').pathname,
    headers: { ...spec?.headers, ...sending.headers },
    before: one,
    after: two,
    differs: [
      ...(one.status !== two.status || one.failure !== two.failure ? (['answer'] as const) : []),
      ...(wayOf(one) !== wayOf(two) ? (['way'] as const) : []),
      ...(isSlower(one, two) || isSlower(two, one) ? (['time'] as const) : []),
    ],
  };
}

const wayOf = ({ calls }: ReplayOutcome): string =>
  calls
    .map(({ from, to, version, status, flags, attempts }) =>
      [from, to, version, status, flags.join('+'), attempts].join(' '),
    )
    .sort()
    .join('\n');

const isSlower = (slow: ReplayOutcome, fast: ReplayOutcome): boolean =>
  slow.tookMs > 2 * fast.tookMs && slow.tookMs - fast.tookMs > 50;
