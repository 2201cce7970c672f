import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLabSession, dispatch, type LabSession, type LabSessionOptions } from '#api/session';
import type { CheckView, ServerEvent } from '#contract';
import { seededRandom } from '#domain';
import { type Lab, type LabFile, loadLab, type SolutionStep } from '#labs';
import { leaseSubnet } from '#sandbox/subnets';
import { systemClock } from '../../server/system.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A lab that runs in this process, driven as a learner drives it: by the editor, the terminal and the buttons. */
export interface RunningLab {
  readonly session: LabSession;
  readonly lab: Lab;
  readonly events: readonly ServerEvent[];
  /** Types a line in the terminal and waits for its end. */
  type(line: string): Promise<{ output: string; exitCode: number }>;
  apply(files: readonly LabFile[]): ReturnType<typeof applyFiles>;
  /** Presses Check until the check is met, at most `tries` times; answers its view. */
  check(id: string): Promise<CheckView>;
  step(step: SolutionStep): Promise<void>;
  stop(): Promise<void>;
}

const applyFiles = (session: LabSession, files: readonly LabFile[]) =>
  dispatch(session, 'yaml.apply', { files: [...files] });

export async function runLab(id: string, { proxyFor }: Pick<LabSessionOptions, 'proxyFor'> = {}): Promise<RunningLab> {
  const lab = loadLab(root, id);
  const lease = await leaseSubnet(seededRandom(`${process.pid}/${id}/${performance.now()}`));
  const events: ServerEvent[] = [];
  const watchers = new Set<(event: ServerEvent) => void>();
  const session = createLabSession({
    lab,
    subnet: lease.subnet,
    clock: systemClock(),
    saved: undefined,
    proxyFor,
    emit: (event) => {
      events.push(event);
      for (const watch of watchers) watch(event);
    },
    onSaved: () => undefined,
  });
  await session.start();

  const running: RunningLab = {
    session,
    lab,
    events,
    type: (line) =>
      new Promise((resolve) => {
        let output = '';
        const watch = (event: ServerEvent): void => {
          if (event.type === 'terminal' && event.output.terminal === 'test') output += event.output.text;
          if (event.type !== 'terminal-exit' || event.terminal !== 'test') return;
          watchers.delete(watch);
          resolve({ output, exitCode: event.exitCode });
        };
        watchers.add(watch);
        session.terminals.run('test', line);
      }),
    apply: (files) => applyFiles(session, files),
    check: async (checkId) => {
      const { checks } = await dispatch(session, 'checks.run', {});
      const found = checks.find((check) => check.id === checkId);
      if (!found) throw new Error(`the lab has no check ${checkId}`);
      return found;
    },
    step: async (step) => {
      if ('run' in step) {
        const { exitCode, output } = await running.type(step.run);
        if (exitCode !== 0) throw new Error(`${step.run}: exit code ${exitCode}\n${output}`);
      } else if ('apply' in step) {
        const view = await running.apply(lab.folder(step.apply));
        if (!view.accepted) throw new Error(`${step.apply} was refused: ${JSON.stringify(view.diagnostics)}`);
      } else if ('restore' in step) {
        await dispatch(session, 'time.restore', { push: step.restore });
      } else if ('answer' in step) {
        await dispatch(session, 'checks.answer', { check: step.answer.check, answer: step.answer.choices });
      } else if ('until' in step) {
        await session.sandbox.until(() => session.checks.holds(step.until), step.limitMs, JSON.stringify(step.until));
      } else {
        const view = await running.check(step.check);
        if (view.state !== 'met')
          throw new Error(`check ${step.check} is ${view.state}: ${view.seen ?? 'nothing seen'}`);
      }
    },
    stop: async () => {
      await session.stop();
      await lease.release();
    },
  };
  return running;
}
