import { dispatch } from '#api/session';
import type { IncidentState, IncidentView } from '#contract';
import type { LabSpec } from '#labs';
import { isSeen } from '../../server/labs/incidents/signs.ts';
import { isCall } from '../../server/labs/probes/outcomes.ts';
import { type RunningLab, runLab } from './lab-runner.ts';

type Incident = NonNullable<LabSpec['incident']>;
type Sign = { readonly from: string; readonly to: string; readonly sign: string };

/** A drill that runs in this process, driven as a learner drives it. */
export interface RunningDrill extends RunningLab {
  view(): IncidentView;
  /** Waits for the page. */
  paged(): Promise<IncidentView>;
  becomes(state: IncidentState): Promise<IncidentView>;
  /** Waits twice as long as users have to be well to count as safe. */
  staysUnsafe(): Promise<IncidentView>;
  /** Waits until an accepted symptom is on the map, and answers it. */
  seesSymptom(): Promise<Sign>;
  /** What a learner would hand in for a proof; undefined for an experiment. */
  proofOf(id: string): Promise<string | undefined>;
}

const LEAD_MS = 500;
const LIMIT_MS = 60_000;

/** Runs the incident from its start; the trouble comes at once. */
export async function drill(id: string, use: (running: RunningDrill) => Promise<void>): Promise<void> {
  const lab = await runLab(id);
  const { session } = lab;
  const incident = lab.lab.spec.incident as Incident;
  const view = (): IncidentView => {
    const found = session.incident?.view();
    if (!found) throw new Error(`${id} is no incident`);
    return found;
  };
  /** As the page was told it last: a look at it costs nothing. */
  const told = (): IncidentView | undefined => {
    const event = lab.events.findLast(({ type }) => type === 'incident');
    return event?.type === 'incident' ? event.incident : undefined;
  };
  const until = async (met: () => boolean, what: string): Promise<void> => {
    try {
      await session.sandbox.until(met, LIMIT_MS, what);
    } catch (cause) {
      throw new Error(`${what} did not come: ${JSON.stringify(view().entries)}`, { cause });
    }
  };
  const running: RunningDrill = {
    ...lab,
    view,
    paged: async () => {
      await until(() => told()?.state === 'paged', 'the page');
      return view();
    },
    becomes: async (state) => {
      await until(() => told()?.state === state, `state ${state}`);
      return view();
    },
    staysUnsafe: async () => {
      await new Promise<void>((resolve) => session.sandbox.clock.after(2 * incident.calm.ms, resolve));
      return view();
    },
    seesSymptom: async () => {
      let found: Sign | undefined;
      const look = (): boolean => {
        found = signsOf(incident, told() ?? view()).find((sign) => isSeen(sign.sign, sign, session.sandbox));
        return found !== undefined;
      };
      await until(look, 'an accepted symptom');
      return found as Sign;
    },
    proofOf: async (proofId) => {
      const proof = incident.cause.proofs.find((each) => each.id === proofId);
      if (!proof || proof.experiment) return undefined;
      if (proof.choice) return proof.choice.right;
      if (proof.push) {
        const wanted = `${proof.push.kind}/`;
        const brought = session.applies.moments
          .all()
          .findLast(({ foreign, changed }) => foreign && changed.some((key) => key.includes(wanted)));
        return String(brought?.number ?? '');
      }
      if (proof.request) {
        const { request } = proof;
        const { hops } = session.sandbox;
        let value: string | undefined;
        await until(() => {
          value = hops.requests(500).find(({ traceId }) => {
            const trace = hops.trace(traceId);
            return [request].flat().some((call) => trace.some((hop) => isCall(call, hop, trace)));
          })?.id;
          return value !== undefined;
        }, `a request for the proof ${proofId}`);
        return value;
      }
      const { number } = proof;
      if (number) {
        const { hops } = session.sandbox;
        const sinceMs = told()?.pagedMs ?? 0;
        await until(() => {
          const calls = hops.requests(5000).filter(({ destination }) => destination.service === number.to);
          return calls.filter(({ startMs }) => startMs >= sinceMs).length >= 24;
        }, `figures for the proof ${proofId}`);
        await until(() => (told()?.users.requests ?? 0) >= 40, 'requests of users');
      }
      return factOf({ incident: id, proof: proofId, to: number?.to }, session);
    },
  };
  await dispatch(session, 'incident.read', {});
  session.incident?.start({ untimed: false, leadMs: LEAD_MS });
  try {
    await use(running);
  } finally {
    await lab.stop();
  }
}

/** Every accepted symptom, with edges that are on the map for ends that may be any. */
function signsOf(incident: Incident, { edges }: IncidentView): Sign[] {
  return incident.symptom.accept.flatMap(({ from, to, signs }) =>
    edges
      .filter((edge) => (from ?? edge.from) === edge.from && (to ?? edge.to) === edge.to)
      .flatMap((edge) => signs.map((sign) => ({ ...edge, sign }))),
  );
}

/** What the course says, or what the pods' own answers tell: not what the drill has measured. */
function factOf(
  { incident, proof, to }: { incident: string; proof: string; to: string | undefined },
  { sandbox }: RunningLab['session'],
): string {
  if (proof === 'pod') {
    const slowest = sandbox.hops
      .requests(500)
      .flatMap(({ traceId }) => sandbox.hops.trace(traceId))
      .filter(({ direction, proxy }) => direction === 'inbound' && proxy.service === 'reviews')
      .sort((a, b) => b.durationMs - a.durationMs)[0];
    return slowest?.proxy.pod ?? '';
  }
  if (proof === 'calls') {
    // Rate against rate, as the metrics have them: calls that the service took in for each request at the gateway, within ten seconds.
    const since = sandbox.clock.now() - 10_000;
    const hops = sandbox.hops.requests(20_000).filter(({ startMs }) => startMs >= since);
    const users = hops.filter(({ destination }) => destination.service === 'frontend').length;
    const calls = hops.filter(({ destination }) => destination.service === to).length;
    return (calls / users).toFixed(1);
  }
  if (proof === 'latency') return '8000';
  const fact = facts[incident]?.[proof];
  if (fact === undefined) throw new Error(`no fact for the proof ${proof} of ${incident}`);
  return fact;
}

const facts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'inc-typed-principal': { peer: 'spiffe://cluster.local/ns/default/sa/frontend' },
};
