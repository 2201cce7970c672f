import { type ProbeContext, stateHolds } from '../probes/state.ts';
import type { IncidentPush } from './doors.ts';
import type { IncidentSpec } from './incident-schema.ts';

type Mistake = IncidentSpec['wrong'][number];

/** What stands in force although it is no way to mend: users who are well meanwhile are not safe. */
export function mistakeIn(
  { wrong }: IncidentSpec,
  context: ProbeContext,
  pushes: readonly IncidentPush[],
): Mistake | undefined {
  const touched = pushes.filter(({ foreign }) => !foreign).flatMap(({ objects }) => objects);
  const nothingBut = ({ kind, name }: { readonly kind: string; readonly name: string }): boolean =>
    touched.every((object) => object.kind === kind && object.name === name);
  return wrong.find(
    ({ detect, restarts }) => detect && (!restarts || nothingBut(restarts)) && stateHolds(detect, context),
  );
}
