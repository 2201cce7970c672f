import type { IncidentView } from '#contract';
import type { Clock } from '#domain';
import { createIncident, type Incident, type Lab, type LabFile, type ProbeContext } from '#labs';
import type { Emit } from '../ports.ts';
import type { Moment } from '../time-travel/moments.ts';
import { MAP_WINDOW_MS } from '../views.ts';

export interface IncidentRoomOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly context: () => ProbeContext;
  /** Somebody else applies files: they come into the editor as well. */
  readonly apply: (files: readonly LabFile[], title: string) => void;
  /** The same without the editor; answers the change's id. */
  readonly deploy: (files: readonly LabFile[], title: string) => Promise<string>;
  /** This traffic of the lab begins. */
  readonly send: (traffic: string) => void;
}

/** The drill of a lab that is an incident, for one life of its mesh; undefined for other labs. */
export function createIncidentRoom(options: IncidentRoomOptions): Incident | undefined {
  const { lab, clock, emit, context, apply, deploy, send } = options;
  const spec = lab.spec.incident;
  if (!spec) return undefined;
  return createIncident({
    lab,
    spec,
    clock,
    context,
    apply,
    deploy,
    send,
    edges: () => {
      const { hops } = context().sandbox;
      const services = hops
        .edges(MAP_WINDOW_MS, clock.now())
        .map(({ source, destination }) => ({ from: source, to: destination }));
      const seen = new Map(services.map((edge) => [`${edge.from} ${edge.to}`, edge]));
      return [...seen.values()];
    },
    onChange: (incident: IncidentView) => emit({ type: 'incident', incident }),
  });
}

/** A moment of the time bar as the drill counts it. */
export const pushOf = ({ number, title, foreign, changed }: Moment): Parameters<Incident['pushed']>[0] => ({
  number,
  title,
  foreign,
  objects: changed
    .map((key) => key.split('/'))
    .map((parts) => ({ kind: parts.at(-3) ?? '', name: parts.at(-1) ?? '' })),
});

/** `reviews@v1` → `reviews` */
