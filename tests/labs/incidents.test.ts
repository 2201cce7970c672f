import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import type { IncidentView } from '#contract';
import { listLabs, loadLab } from '#labs';
import { drill } from '../support/drill.ts';
import { root } from '../support/lab-runner.ts';

const incidents = listLabs(root).filter((id) => loadLab(root, id).spec.incident !== undefined);

/** Real traffic and real timers: a mesh, trouble, a remedy, and users who are well for some seconds. */
const LIMIT_MS = 120_000;

describe.each(incidents)('incident %s', (id) => {
  const { spec } = loadLab(root, id);
  const incident = spec.incident as NonNullable<typeof spec.incident>;

  it.concurrent(
    'pages when users suffer; the symptom is where its row says; other places and causes are refused',
    async () => {
      await drill(id, async (running) => {
        const paged = await running.paged();
        expect(paged.page).toBe(incident.page);
        expect(paged.budget.failed).toBeGreaterThan(0);
        const sign = await running.seesSymptom();
        const elsewhere = { from: sign.from, to: sign.to, sign: '401' };
        expect((await dispatch(running.session, 'incident.symptom', elsewhere)).right).toBe(false);
        const named = await dispatch(running.session, 'incident.symptom', sign);
        expect(named).toMatchObject({ right: true, text: incident.symptom.said });
        expect(named.incident.scores[0]?.tookMs).toBeGreaterThanOrEqual(0);
        for (const { id: proof } of incident.cause.proofs) {
          const values = await running.proofsOf(proof);
          for (const choice of incident.cause.choices.filter((one) => one.id !== incident.cause.right)) {
            const said = { cause: choice.id, proof, value: values[0] ?? '' };
            expect((await dispatch(running.session, 'incident.cause', said)).right, choice.text).toBe(false);
          }
          const number = incident.cause.proofs.find((one) => one.id === proof)?.number;
          // A mesh without retries shows one call for each request.
          for (const value of number?.measure === 'calls' ? ['1', '1.1'] : []) {
            const said = { cause: incident.cause.right, proof, value };
            expect((await dispatch(running.session, 'incident.cause', said)).right, value).toBe(false);
          }
          const unproved = { cause: incident.cause.right, proof, value: '0000000000000000' };
          expect((await dispatch(running.session, 'incident.cause', unproved)).right).toBe(false);
          // Rates have moved on while wrong causes were refused: what was read before them still counts.
          for (const value of values) {
            const proved = { cause: incident.cause.right, proof, value };
            expect(await dispatch(running.session, 'incident.cause', proved), `${proof} ${value}`).toMatchObject({
              right: true,
            });
          }
        }
        expect(running.view().state).toBe('paged');
      });
    },
    LIMIT_MS,
  );

  it.concurrent.each(incident.remedies.map((remedy) => [remedy.id, remedy] as const))(
    'the remedy %s ends the errors',
    async (_id, remedy) => {
      await drill(id, async (running) => {
        await running.paged();
        for (const step of remedy.steps) await running.step(step);
        const safe = await running.becomes('safe');
        expect(safe.entries.at(-1)?.text).toBe(`Users are safe again: ${remedy.title}.`);
        expect(safe.users.failingNow).toBeLessThan(1);
        expect(safe.others.failed).toBe(0);
      });
    },
    LIMIT_MS,
  );

  it.concurrent.each(incident.wrong.map((wrong) => [wrong.id, wrong] as const))(
    'the change %s does not count',
    async (_id, wrong) => {
      await drill(id, async (running) => {
        await running.paged();
        for (const step of wrong.steps) await running.step(step);
        const view = await running.staysUnsafe();
        expect(view.state).toBe('paged');
        const told = view.entries.find(({ kind }) => kind === 'wrong');
        if (told) expect(told.text).toContain(wrong.why);
        else expect(view.users.failingNow).toBeGreaterThan(0);
      });
    },
    LIMIT_MS,
  );
});

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
