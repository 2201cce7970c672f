import type { Explanation } from '../../lab-client/index.ts';

/** Lines that the open request went through; `stop` lines ended it. */
export interface LitLines {
  file: string;
  line: number;
  endLine: number;
  stop: boolean;
  note: string;
}

/** Lines of all decisions of the open request, a stop last so that it wins where two speak of one line. */
export function litLines(explanation: Explanation): LitLines[] {
  if (explanation.state !== 'ready') return [];
  const focus = new Set(explanation.view.focus);
  const lit = explanation.view.hops
    .filter((hop) => focus.has(hop.spanId))
    .flatMap((hop) => hop.steps)
    .flatMap((step) => {
      if (!step.location || step.outcome === 'passed') return [];
      const { file, line, endLine } = step.location;
      const stop = step.outcome === 'stopped';
      return [{ file, line, endLine, stop, note: stop ? 'stop' : '' }];
    });
  return [...lit.filter((one) => !one.stop), ...lit.filter((one) => one.stop)];
}
