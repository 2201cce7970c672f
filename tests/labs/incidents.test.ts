import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import type { IncidentView } from '#contract';
import { listLabs, loadLab } from '#labs';
import { drill } from '../support/drill.ts';
import { storms, timed } from '../support/incidents-alone.ts';
import { root } from '../support/lab-runner.ts';
import { LIMIT_MS, proveIncident } from '../support/prove-incident.ts';

const elsewhere = [...storms, ...timed];
for (const id of listLabs(root)) {
  if (!elsewhere.includes(id) && loadLab(root, id).spec.incident) proveIncident(id);
}

describe('a drill from page to postmortem', () => {
  it(
    'counts time, budget, pushes and harm, and writes the draft',
    async () => {
      await drill('inc-missing-subset', async (running) => {
        await running.paged();
        await dispatch(running.session, 'terminal.run', { terminal: 'mine', line: 'istioctl proxy-status' });
        await dispatch(running.session, 'incident.symptom', await running.seesSymptom());
        await dispatch(running.session, 'incident.hint', {});
        await running.step({ apply: 'remedies/weight-zero' });
        await running.becomes('safe');
        const proof = incident('inc-missing-subset').cause.proofs[0]?.id ?? '';
        const [value = ''] = await running.proofsOf(proof);
        const { incident: over } = await dispatch(running.session, 'incident.cause', { cause: 'subset', proof, value });
        expect(over.state).toBe('over');
        expect(over.pushes).toBe(1);
        expect(over.hints.opened).toHaveLength(1);
        expect(over.result?.points).toBeGreaterThan(80);
        expect(over.result?.points).toBeLessThan(100);
        expect(over.entries.map(({ kind }) => kind)).toEqual(
          expect.arrayContaining(['page', 'look', 'right', 'hint', 'push', 'safe']),
        );
        const { markdown } = await dispatch(running.session, 'incident.postmortem', {});
        expect(markdown).toContain(`${over.budget.failed} of `);
        expect(markdown).toContain('| 0:00 | Page: One in ten product pages');
        expect(markdown).toContain('You ran: istioctl proxy-status');
        expect(markdown).toContain('Users are safe again: The weight of v3 is 0.');
        expect(markdown).toContain('## Actions');
        const later: IncidentView = await dispatch(running.session, 'incident.read', {});
        expect(later.budget).toEqual(over.budget);
      });
    },
    LIMIT_MS,
  );
});

describe('a replay in an incident', () => {
  it(
    'tells the two changes of the peak hour apart, under what befalls the pods now',
    async () => {
      await drill('inc-peak-hour', async (running) => {
        await running.paged();
        await running.seesSymptom();
        const first = await dispatch(running.session, 'time.replay', { from: 0, to: 1, requests: 32 });
        expect(first.before.versions['stock us'] ?? 0).toBeGreaterThan(5);
        expect(first.after.versions['stock us'] ?? 0).toBe(0);
        expect(first.after.failed).toBeGreaterThan(first.before.failed);
        const second = await dispatch(running.session, 'time.replay', { from: 1, to: 2, requests: 32 });
        // Retries stand on two edges; how many of 32 calls fail, and are tried again, is chance.
        expect(second.after.callsPerRequest).toBeGreaterThan(1.15 * second.before.callsPerRequest);
      });
    },
    LIMIT_MS,
  );
});

function incident(id: string) {
  const { spec } = loadLab(root, id);
  if (!spec.incident) throw new Error(`${id} is no incident`);
  return spec.incident;
}
