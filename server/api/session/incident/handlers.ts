import type { IncidentResults, Method, Params } from '#contract';
import type { Incident } from '#labs';
import { ApiError } from '../../errors.ts';
import type { LabSession } from '../lab-session.ts';

type IncidentHandlers = {
  readonly [M in keyof IncidentResults]: (session: LabSession, params: Params<M>) => IncidentResults[M];
};

function drill({ incident }: LabSession): Incident {
  if (!incident) throw new ApiError('no_incident', 'This lab is not an incident.');
  return incident;
}

export const incidentHandlers: IncidentHandlers = {
  'incident.read': (session) => drill(session).view(),
  'incident.start': (session, { untimed }) => drill(session).start({ untimed }),
  'incident.symptom': (session, said) => drill(session).symptom(said),
  'incident.cause': (session, said) => drill(session).cause(said),
  'incident.hint': (session) => drill(session).hint(),
  'incident.end': (session) => drill(session).end(),
  'incident.postmortem': (session) => ({ markdown: drill(session).postmortem() }),
};

const LINE_SHOWN = 80;

/** What of the learner's doings stands in the drill's timeline, in words. */
export function lookOf(session: LabSession, method: Method, params: unknown): string | undefined {
  const given = params as { readonly line?: string; readonly request?: string; readonly pod?: string };
  if (method === 'terminal.run') {
    const line = (given.line ?? '').trim();
    return line === '' ? undefined : `You ran: ${line.length > LINE_SHOWN ? `${line.slice(0, LINE_SHOWN)}…` : line}`;
  }
  if (method === 'request.explain') {
    const response = session.sandbox.hops.hop(given.request ?? '')?.response;
    if (!response) return undefined;
    const status = response.status === 0 ? 'no answer' : String(response.status);
    return `You opened the decision path of a request: ${[status, ...response.flags].join(' ')}.`;
  }
  if (method === 'proxy.dump') return `You looked at what the proxy of ${given.pod} holds.`;
  if (method === 'metrics.read') return 'You looked at the metrics.';
  if (method === 'certificates.read') return 'You looked at the certificates.';
  if (method === 'events.read') return 'You looked at the events.';
  if (method === 'time.moment') return 'You looked at the mesh as it was.';
  if (method === 'time.replay') return 'You replayed requests under two pushes.';
  if (method === 'bisect.start') return 'You searched for the first bad push.';
  return undefined;
}
