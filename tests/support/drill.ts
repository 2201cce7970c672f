import { dispatch } from '#api/session';
import type { IncidentState, IncidentView } from '#contract';
import type { LabSpec } from '#labs';
import { isSeen } from '../../server/labs/incidents/signs.ts';
import { isCall } from '../../server/labs/probes/outcomes.ts';
import { type RunningLab, runLab } from './lab-runner.ts';

type Incident = NonNullable<LabSpec['incident']>;
type NumberSpec = NonNullable<Incident['cause']['proofs'][number]['number']>;
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
  /** What a learner would hand in for a proof, one value for each place where it can be read; none for an experiment. */
  proofsOf(id: string): Promise<readonly string[]>;
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
        const shown = told() ?? view();
        // Where the changes of others are the users, those that failed came late.
        const seen = {
          sandbox: session.sandbox,
          deploys: { late: () => (incident.deploys ? shown.budget.failed : 0) },
        };
        found = signsOf(incident, shown).find((sign) => isSeen(sign.sign, sign, seen));
        return found !== undefined;
      };
      await until(look, 'an accepted symptom');
      return found as Sign;
    },
    proofsOf: async (proofId) => {
      const proof = incident.cause.proofs.find((each) => each.id === proofId);
      if (!proof || proof.experiment) return [];
      if (proof.choice) return [proof.choice.right];
      if (proof.push) {
        const wanted = `${proof.push.kind}/`;
        const brought = session.applies.moments
          .all()
          .findLast(({ foreign, changed }) => foreign && changed.some((key) => key.includes(wanted)));
        return [String(brought?.number ?? '')];
      }
      if (proof.request) {
        const { request } = proof;
        const { hops } = session.sandbox;
        let value = '';
        await until(() => {
          value =
            hops.requests(500).find(({ traceId }) => {
              const trace = hops.trace(traceId);
              return [request].flat().some((call) => trace.some((hop) => isCall(call, hop, trace)));
            })?.id ?? '';
          return value !== '';
        }, `a request for the proof ${proofId}`);
        return [value];
      }
      if (proof.number) {
        if (proof.number.measure === 'bytes') return [largestPush(lab)];
        const since = view().users.requests;
        await until(() => view().users.requests >= since + 40, 'requests of users');
        // A learner waits until the map's window holds nothing of the time before the page.
        await until(() => view().nowMs - (view().pagedMs ?? 0) >= 12_000, 'a map of the trouble');
        const { number } = proof;
        // What is not more than in a healthy mesh nobody hands in.
        await until(() => readingsOf(number, lab).every((value) => Number(value) > number.above), 'figures of trouble');
        return readingsOf(number, lab);
      }
      if (proof.pod) return [slowestOf('reviews', session)];
      return ['spiffe://cluster.local/ns/default/sa/frontend'];
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

/** The pod of a service that answered slowest. */
function slowestOf(service: string, { sandbox }: RunningLab['session']): string {
  const slowest = sandbox.hops
    .requests(500)
    .flatMap(({ traceId }) => sandbox.hops.trace(traceId))
    .filter(({ direction, proxy }) => direction === 'inbound' && proxy.service === service)
    .sort((a, b) => b.durationMs - a.durationMs)[0];
  return slowest?.proxy.pod ?? '';
}

/** Kilobytes, from the list of pushes as the page was told it. */
function largestPush({ events }: RunningLab): string {
  const bytes = events.flatMap((event) =>
    event.type === 'push' ? event.push.proxies.map((proxy) => proxy.bytes) : [],
  );
  return (Math.max(...bytes) / 1000).toFixed(0);
}

/** A figure as the map shows it, and as the traces of the newest requests at the gateway have it. */
function readingsOf({ measure, to = '' }: NumberSpec, { events, session }: RunningLab): string[] {
  if (measure === 'latency') return ['8000'];
  const { hops } = session.sandbox;
  const shown = events.findLast(({ type }) => type === 'mesh');
  const edges = shown?.type === 'mesh' ? shown.mesh.edges : [];
  const rate = (service: string): number =>
    edges.filter((edge) => edge.to.split('@')[0] === service).reduce((sum, { rps }) => sum + rps, 0);
  const traces = hops
    .requests(20_000)
    .filter(({ destination }) => destination.service === 'frontend')
    .slice(-40)
    .map(({ traceId }) => hops.trace(traceId));
  const tries = traces.flat().filter(({ direction, proxy }) => direction === 'inbound' && proxy.service === to);
  return [rate(to) / rate('frontend'), tries.length / traces.length].map((value) => value.toFixed(1));
}
