import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type LabSpec, loadLab } from '#labs';
import { drill, type RunningDrill } from './drill.ts';
import { root } from './lab-runner.ts';

type Incident = NonNullable<LabSpec['incident']>;
type Move = Incident['wrong'][number];
type Remedy = Incident['remedies'][number];

/** Real traffic and real timers: a mesh, trouble, wrong moves, a remedy, and users who are well for some seconds. */
export const LIMIT_MS = 240_000;

/**
 * Proves an incident from its page to each of its remedies; `alone`: one drill after the other, because they take the whole machine.
 * Each remedy has a drill, and the wrong moves are made on the way to one of them, as learners make them.
 */
export function proveIncident(id: string, { alone = false }: { readonly alone?: boolean } = {}): void {
  const test = alone ? it : it.concurrent;
  describe(`incident ${id}`, () => {
    const incident = loadLab(root, id).spec.incident as Incident;
    const [first, ...others] = incident.remedies as [Remedy, ...Remedy[]];

    test(
      `pages when users suffer; the symptom is where its row says; other places and causes are refused; ${first.id} ends it`,
      async () => {
        await drill(id, async (running) => {
          expect(await running.paged()).toMatchObject({ page: incident.page, others: { failed: 0 } });
          expect(running.view().budget.failed).toBeGreaterThan(0);
          await namesSymptom(running, incident);
          await provesCause(running, incident);
          expect(running.view().state).toBe('paged');
          for (const wrong of others.length > 0 ? [] : incident.wrong) await goesAstray(running, wrong);
          await mends(running, first);
        });
      },
      LIMIT_MS,
    );

    test.each(others.map((remedy, turn) => [remedy.id, remedy, movesOf(incident, turn, others.length)] as const))(
      'the remedy %s ends the errors, after changes that do not count',
      async (_id, remedy, moves) => {
        await drill(id, async (running) => {
          expect((await running.paged()).others.failed).toBe(0);
          for (const wrong of moves) await goesAstray(running, wrong);
          await mends(running, remedy);
        });
      },
      LIMIT_MS,
    );
  });
}

const movesOf = ({ wrong }: Incident, turn: number, of: number): Move[] =>
  wrong.filter((_, index) => index % of === turn);

async function namesSymptom({ session, seesSymptom }: RunningDrill, { symptom }: Incident): Promise<void> {
  const sign = await seesSymptom();
  const elsewhere = { from: sign.from, to: sign.to, sign: '401' };
  expect((await dispatch(session, 'incident.symptom', elsewhere)).right).toBe(false);
  const named = await dispatch(session, 'incident.symptom', sign);
  expect(named).toMatchObject({ right: true, text: symptom.said });
  expect(named.incident.scores[0]?.tookMs).toBeGreaterThanOrEqual(0);
}

async function provesCause({ session, proofsOf }: RunningDrill, { cause }: Incident): Promise<void> {
  const says = (choice: string, proof: string, value: string) =>
    dispatch(session, 'incident.cause', { cause: choice, proof, value });
  for (const { id: proof, number } of cause.proofs) {
    const values = await proofsOf(proof);
    for (const choice of cause.choices.filter(({ id }) => id !== cause.right))
      expect((await says(choice.id, proof, values[0] ?? '')).right, choice.text).toBe(false);
    // A mesh without retries shows one call for each request.
    for (const value of number?.measure === 'calls' ? ['1', '1.1'] : [])
      expect((await says(cause.right, proof, value)).right, value).toBe(false);
    expect((await says(cause.right, proof, '0000000000000000')).right).toBe(false);
    // Rates have moved on while wrong causes were refused: what was read before them still counts.
    for (const value of values)
      expect(await says(cause.right, proof, value), `${proof} ${value}`).toMatchObject({ right: true });
  }
}

/** Makes a move that does not count, sees that the drill goes on, and takes it back. */
async function goesAstray(running: RunningDrill, wrong: Move): Promise<void> {
  const { session } = running;
  const before = session.applies.moments.newest()?.number ?? 0;
  for (const step of wrong.steps) await running.step(step);
  const view = await running.staysUnsafe();
  expect(view.state, wrong.title).toBe('paged');
  const told = view.entries.findLast(({ kind, text }) => kind === 'wrong' && text.includes(wrong.why));
  if (!told) expect(view.users.failingNow, wrong.title).toBeGreaterThan(0);
  await dispatch(session, 'time.restore', { push: before });
}

async function mends(running: RunningDrill, remedy: Remedy): Promise<void> {
  const { others, causeNamed } = running.view();
  for (const step of remedy.steps) await running.step(step);
  const safe = await running.becomes(causeNamed ? 'over' : 'safe');
  expect(safe.entries.at(-1)?.text).toBe(`Users are safe again: ${remedy.title}.`);
  expect(safe.users.failingNow).toBeLessThan(1);
  expect(safe.others.failed).toBe(others.failed);
}
