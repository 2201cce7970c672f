import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type Lab, listLabs, loadLab } from '#labs';
import { type RunningLab, root, runLab } from './lab-runner.ts';

const withLab = async (id: string, use: (running: RunningLab) => Promise<void>): Promise<void> => {
  const running = await runLab(id);
  try {
    await use(running);
  } finally {
    await running.stop();
  }
};

/** Some labs wait for real timers: tries with their backoff, ejections, rotations. */
const SOLUTION_MS = 300_000;
/** Nothing is judged by how long a mesh takes to start. */
const START_MS = 120_000;

/** Certificates live for a minute there, and the solution sees several: it begins first, in a file of its own. */
const LONG = ['certificates-rotate'];

/** Proves one part of the labs of `of`: every lab folder is in one of them, none is exempt. Labs mostly wait, so parts run beside one another. */
export function proveLabs(part: number, of: number): void {
  prove(
    listLabs(root)
      .filter((id) => !LONG.includes(id))
      .filter((_, index) => index % of === part),
  );
}

/** Proves the labs that none of the parts has. */
export function proveLongLabs(): void {
  prove(LONG);
}

function prove(ids: readonly string[]): void {
  describe.each(ids)('lab %s', (id) => {
    const lab = loadLab(root, id);

    // An incident has no checks: it is proved from its page to its remedies (`prove-incident.ts`).
    if (lab.spec.checks.length > 0) proveChecks(lab);

    it.each(lab.spec.wrong.map((wrong) => [wrong.id, wrong] as const))(
      'answers the wrong answer %s with its own question',
      async (wrongId, wrong) => {
        await withLab(id, async (running) => {
          const files = lab.wrong.get(wrongId) ?? [];
          if (files.length > 0) await running.apply(files);
          for (const step of lab.spec.wrongSteps[wrongId] ?? []) await running.step(step);
          const hint = await dispatch(running.session, 'hints.next', {});
          expect({ text: hint.text, belief: hint.belief }).toEqual({ text: wrong.question, belief: wrong.belief });
        });
      },
      START_MS,
    );

    it('names only terms that have a page', () => {
      expect(lab.spec.terms.length).toBeGreaterThan(0);
    });
  });
}

function proveChecks({ spec }: Lab): void {
  it(
    'fails each of its checks at the start',
    async () => {
      await withLab(spec.id, async (running) => {
        const { checks } = await dispatch(running.session, 'checks.run', {});
        expect(checks.filter((check) => check.state === 'met')).toEqual([]);
      });
    },
    START_MS,
  );

  it(
    'passes all of its checks by its solution',
    async () => {
      await withLab(spec.id, async (running) => {
        for (const step of spec.solution) await running.step(step);
        expect(running.session.checks.met()).toEqual(spec.checks.map((check) => check.id));
      });
    },
    SOLUTION_MS,
  );
}
