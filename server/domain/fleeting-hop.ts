import type { HopRecord } from './decision.ts';

/** A finished hop of which no record is made yet: a busy proxy has more of them than anybody can look at. */
export interface FleetingHop {
  readonly requestId: string;
  isOf(traceId: string): boolean;
  record(): HopRecord;
}

/** Keeps the newest of them. */
export interface FleetingHops {
  /** Somebody looks at the requests of this mesh: the decisions about every one of them are noted. */
  readonly wanted: boolean;
  hold(hop: FleetingHop): void;
}

/** Where nobody looks. */
export const NO_FLEETING_HOPS: FleetingHops = { wanted: false, hold: () => undefined };
