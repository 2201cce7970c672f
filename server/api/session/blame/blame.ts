import type { BlameRound, BlameVerdict } from '#contract';
import type { Clock, HopRecord, Random } from '#domain';
import { type BlameRoundSpec, blameParts, type Lab } from '#labs';
import type { Sandbox } from '#sandbox';
import { ApiError } from '../../errors.ts';
import { explain } from '../explanation.ts';
import type { Moment } from '../time-travel/moments.ts';
import { isFailed, percentile } from '../time-travel/run-sum.ts';
import { type SideMesh, withSideMesh } from '../time-travel/side-mesh.ts';

export interface BlameOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly random: Random;
  readonly sandbox: () => Sandbox;
  /** The lab's start: what every round begins with. */
  readonly start: () => Moment;
}

/** Rounds of a trace, some numbers and one line, each from a real run with one fault. */
export interface Blame {
  next(): Promise<BlameRound>;
  answer(number: number, part: string): BlameVerdict;
}

const SECONDS = 40;
const SETTLE_MS = 3000;
/** The wait ends when they are there; a busy machine writes them late. */
const HOPS_ARRIVE_MS = 10_000;
const AT_ONCE = 8;

export function createBlame(options: BlameOptions): Blame {
  const { lab, clock, random } = options;
  const played: BlameRoundSpec[] = [];
  let left: BlameRoundSpec[] = [];
  let underWay = false;

  /** Every fault comes once before one comes again. */
  const draw = (rounds: readonly BlameRoundSpec[]): BlameRoundSpec => {
    if (left.length === 0) left = [...rounds];
    const [drawn] = left.splice(random.below(left.length), 1);
    return drawn as BlameRoundSpec;
  };
  return {
    next: async () => {
      const spec = lab.spec.blame;
      if (!spec) throw new ApiError('no_blame_game', 'This lab has no rounds.');
      if (underWay) throw new ApiError('busy', 'The next round is being made.');
      underWay = true;
      try {
        const round = draw(spec.rounds);
        const parts = { lab, clock, moment: options.start(), like: options.sandbox() };
        const evidence = await withSideMesh(parts, (mesh) => run(mesh, lab, round));
        played.push(round);
        return { number: played.length, seconds: SECONDS, ...evidence, parts: [...blameParts] };
      } finally {
        underWay = false;
      }
    },
    answer: (number, part) => {
      const round = played[number - 1];
      if (!round) throw new ApiError('unknown_round', `There was no round ${number}.`);
      return { right: round.part === part, part: round.part, why: round.tell };
    },
  };
}

type Evidence = Pick<BlameRound, 'spans' | 'edges' | 'log'>;

async function run({ sandbox, traffic }: SideMesh, lab: Lab, round: BlameRoundSpec): Promise<Evidence> {
  const { traffic: id = '', requests = 0 } = lab.spec.blame ?? {};
  if (round.strain) sandbox.strain(round.id, round.strain);
  if (round.apply !== undefined) {
    const outcome = await sandbox.apply(lab.folder(round.apply), { namespace: lab.spec.namespace });
    if (!outcome.accepted) throw new ApiError('refused', outcome.diagnostics.map(({ message }) => message).join('; '));
    await sandbox.settled(outcome.changeId, SETTLE_MS);
    await sandbox.ready();
  }
  const { hops } = sandbox;
  const sent = await traffic.batch(id, requests, { atOnce: AT_ONCE });
  const arrived = (): boolean => sent.every(({ traceId }) => hops.trace(traceId).length > 0);
  await sandbox.until(arrived, HOPS_ARRIVE_MS, 'the hops of a round').catch(() => undefined);
  // One that failed; the first to do so, for late ones may be callers who gave up on a slow machine. Where none failed, the slowest.
  const seen = sent.filter(({ traceId }) => hops.trace(traceId).length > 0);
  const failed = seen.filter(isFailed).sort((a, b) => a.tookMs - b.tookMs);
  const worst = failed[0] ?? seen.sort((a, b) => b.tookMs - a.tookMs)[0];
  const trace = hops.trace(worst?.traceId ?? '');
  const request = hops.requests(5000).find(({ traceId }) => traceId === worst?.traceId);
  if (!request) throw new ApiError('no_requests', 'The run left no trace.');
  const { spans } = explain(request, trace, { locate: (origin) => sandbox.locate(origin), leftOut: () => [] });
  const telling = tellingHop(trace);
  return {
    spans,
    edges: edgesOf(sent.flatMap(({ traceId }) => hops.trace(traceId))),
    log: { of: `${telling.proxy.service}, ${telling.direction}`, line: telling.accessLog },
  };
}

/** The deepest hop with a flag or a failure; where nothing failed, the deepest of all. */
function tellingHop(trace: readonly HopRecord[]): HopRecord {
  const bad = trace.filter(
    ({ response }) => response.flags.length > 0 || response.status >= 400 || response.status === 0,
  );
  return (bad.find(({ response }) => response.flags.length > 0) ?? bad.at(-1) ?? trace.at(-1)) as HopRecord;
}

function edgesOf(hops: readonly HopRecord[]): BlameRound['edges'] {
  const edges = new Map<string, { from: string; to: string; sent: HopRecord[]; received: number }>();
  for (const hop of hops) {
    if (hop.direction !== 'outbound') continue;
    const to = (hop.cluster.split('|')[3] || hop.request.authority).split(/[.:]/)[0] ?? '';
    const key = `${hop.proxy.service} ${to}`;
    const edge = edges.get(key) ?? { from: hop.proxy.service, to, sent: [], received: 0 };
    edge.sent.push(hop);
    edge.received += hops.filter((other) => other.direction === 'inbound' && other.parentSpanId === hop.spanId).length;
    edges.set(key, edge);
  }
  return [...edges.values()].map(({ from, to, sent, received }) => {
    const took = sent.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
    return {
      from,
      to,
      sent: sent.length,
      received,
      failed: sent.filter(({ response }) => isFailed(response)).length,
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
    };
  });
}
