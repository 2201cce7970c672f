import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { loadLab } from '#labs';
import { drill } from './drill.ts';
import { root } from './lab-runner.ts';

/** Real traffic and real timers: a mesh, trouble, a remedy, and users who are well for some seconds. */
export const LIMIT_MS = 120_000;

/**
 * A change that does not count takes a mesh half a minute, and a dozen seconds of CPU: `npm test` proves one for each incident,
 * `npm run test:incidents` all.
 */
const MOST_CHANGES = process.env['MESHWORK_ALL_CHANGES'] === undefined ? 1 : Number.POSITIVE_INFINITY;

/** Proves an incident from its page to each of its remedies and wrong moves; `alone`: one drill after the other, because they take the whole machine. */
export function proveIncident(id: string, { alone = false }: { readonly alone?: boolean } = {}): void {
  const test = alone ? it : it.concurrent;
  describe(`incident ${id}`, () => {
    const { spec } = loadLab(root, id);
    const incident = spec.incident as NonNullable<typeof spec.incident>;

    test(
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

    test.each(incident.remedies.map((remedy) => [remedy.id, remedy] as const))(
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

    test.each(incident.wrong.slice(0, MOST_CHANGES).map((wrong) => [wrong.id, wrong] as const))(
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
}
