import type { IncidentVerdict, IncidentView } from '#contract';
import type { Clock } from '#domain';
import type { Lab, LabFile } from '../catalog.ts';
import type { ProbeContext } from '../probes/state.ts';
import type { Sending, SentRequest } from '../traffic.ts';
import type { IncidentSpec } from './incident-schema.ts';

export interface IncidentOptions {
  readonly lab: Lab;
  readonly spec: IncidentSpec;
  readonly clock: Clock;
  readonly context: () => ProbeContext;
  /** Edges that are on the map now, by service. */
  readonly edges: () => readonly { readonly from: string; readonly to: string }[];
  /** Somebody else applies these, as a push of this title. */
  readonly apply: (files: readonly LabFile[], title: string) => void;
  /** Another team's small change, as a push of this title; answers the change's id when it is stored. */
  readonly deploy: (files: readonly LabFile[], title: string) => Promise<string>;
  /** This traffic of the lab begins. */
  readonly send: (traffic: string) => void;
  readonly onChange: (view: IncidentView) => void;
}

/** A change of the mesh, told when it is stored. */
export interface IncidentPush {
  readonly number: number;
  readonly title: string;
  /** Not the learner's. */
  readonly foreign: boolean;
  readonly objects: readonly { readonly kind: string; readonly name: string }[];
}

/** A drill: trouble comes, somebody is paged, and what the learner does about it is timed and counted from real traffic. */
export interface Incident {
  view(): IncidentView;
  start(options: { readonly untimed: boolean; readonly leadMs?: number }): IncidentView;
  /** Every request of the lab's traffic, when it has ended. */
  sent(sending: Sending, ended: SentRequest): void;
  pushed(push: IncidentPush): void;
  /** The largest number of bytes that one push sent to one proxy. */
  weighed(bytes: number): void;
  /** The learner looked at something. */
  looked(text: string): void;
  symptom(said: { readonly from: string; readonly to: string; readonly sign: string }): IncidentVerdict;
  cause(said: { readonly cause: string; readonly proof: string; readonly value: string }): IncidentVerdict;
  hint(): IncidentView;
  end(): IncidentView;
  postmortem(): string;
  stop(): void;
}
