import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type Lab, listLabs, loadLab } from '#labs';
import { type RunningLab, root, runLab } from './lab-runner.ts';

type Wrong = Lab['spec']['wrong'][number];

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
    proveWrongAnswers(lab);

    it('names only terms that have a page', () => {
      expect(lab.spec.terms.length).toBeGreaterThan(0);
    });
  });
}

function proveChecks({ spec }: Lab): void {
  it(
    'fails each of its checks at the start, and passes all of them by its solution',
    async () => {
      await withLab(spec.id, async (running) => {
        const { checks } = await dispatch(running.session, 'checks.run', {});
        expect(checks.filter((check) => check.state === 'met')).toEqual([]);
        for (const step of spec.solution) await running.step(step);
        expect(running.session.checks.met()).toEqual(spec.checks.map((check) => check.id));
      });
    },
    SOLUTION_MS,
  );
}

/** What is only written can be taken back, so one mesh serves for all of it; what takes steps has a mesh each. */
function proveWrongAnswers({ spec, wrong: texts }: Lab): void {
  const takesSteps = ({ id }: Wrong): boolean => (spec.wrongSteps[id] ?? []).length > 0;
  const written = spec.wrong.filter((one) => !takesSteps(one));
  const answers = async (running: RunningLab, { id, question, belief }: Wrong): Promise<void> => {
    const files = texts.get(id) ?? [];
    if (files.length > 0) await running.apply(files);
    for (const step of spec.wrongSteps[id] ?? []) await running.step(step);
    const hint = await dispatch(running.session, 'hints.next', {});
    expect({ id, text: hint.text, belief: hint.belief }).toEqual({ id, text: question, belief });
  };

  if (written.length > 0)
    it(
      `answers each wrong answer with its own question: ${written.map(({ id }) => id).join(', ')}`,
      async () => {
        await withLab(spec.id, async (running) => {
          for (const wrong of written) {
            await answers(running, wrong);
            await dispatch(running.session, 'time.restore', { push: 0 });
          }
        });
      },
      START_MS,
    );

  it.each(spec.wrong.filter(takesSteps).map((wrong) => [wrong.id, wrong] as const))(
    'answers the wrong answer %s with its own question',
    (_id, wrong) => withLab(spec.id, (running) => answers(running, wrong)),
    START_MS,
  );
}
