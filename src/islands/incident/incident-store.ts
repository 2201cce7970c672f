import { atom, type ReadableAtom } from 'nanostores';
import type { IncidentView, Method, Params, Results } from '#contract';
import type { LabClient } from '../../lab-client/index.ts';

const drills = new WeakMap<LabClient, Drill>();

/** The drill of a lab page: what the lab said of it last, and its verbs. Verbs never throw: what fails becomes a toast. */
export interface Drill {
  readonly view: ReadableAtom<IncidentView | undefined>;
  /** Reads the drill anew: when the page has just been opened, or the lab was reset. */
  read(): Promise<void>;
  ask<M extends Method>(method: M, params: Params<M>): Promise<Results[M] | undefined>;
}

export function drillOf(lab: LabClient): Drill {
  const known = drills.get(lab);
  if (known) return known;
  const view = atom<IncidentView | undefined>(undefined);
  lab.eventListeners.add((event) => {
    if (event.type === 'incident') view.set(event.incident);
  });
  const ask: Drill['ask'] = async (method, params) => {
    try {
      return await lab.request(method, params);
    } catch (error) {
      lab.fail(error);
      return undefined;
    }
  };
  const drill: Drill = {
    view,
    ask,
    read: async () => {
      const found = await ask('incident.read', {});
      if (found) view.set(found);
    },
  };
  drills.set(lab, drill);
  return drill;
}

/** `3:05` */
export function minutes(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  return `${ms < 0 ? '−' : ''}${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
