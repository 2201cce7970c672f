import type { LabClient } from '../../lab-client/index.ts';
import { addEntry } from '../cards/add-entry.ts';
import { openLogStore } from '../cards/log-store.ts';
import { ownMerit } from '../show-me/shown.ts';

/** Writes each check that is met for the first time into the learner's log, with the hints that were open. Ends with the answer. */
export function keepEvidence(client: LabClient): () => void {
  const known = openLogStore()
    .then((store) => store.all())
    .then((log) => new Set(log.flatMap((entry) => (entry.kind === 'check' ? [entry.check] : []))));
  return client.stores.checks.subscribe((checks) => {
    const hints = client.stores.hints.get().length;
    const met = ownMerit(client, checks)
      .filter(({ state }) => state === 'met')
      .map(({ id }) => `${client.labId}/${id}`);
    known
      .then(async (seen) => {
        for (const check of met) {
          if (seen.has(check)) continue;
          seen.add(check);
          await addEntry({ kind: 'check', check, hints });
        }
      })
      .catch((error: unknown) => console.info('A check was not kept.', error));
  });
}
