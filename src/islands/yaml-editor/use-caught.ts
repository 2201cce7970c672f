import { useCallback } from 'react';
import type { CaughtLinesView } from '#contract';
import { useLive } from '../parts/use-live.ts';
import { useLab } from '../parts/use-store.ts';
import { caughtAt, type LinePlace } from './caught.ts';

export interface Caught {
  /** Undefined until it is known. */
  view: CaughtLinesView | undefined;
  /** Lights up the requests that a line decided about. */
  show: (place: LinePlace) => void;
}

/** Which lines of the text decided about the newest requests. */
export function useCaught(): Caught {
  const lab = useLab();
  const live = useLive('lines.caught', {}, { everyMs: 2000 });
  const view = live.state === 'ready' ? live.value : undefined;
  const show = useCallback(
    (place: LinePlace): void => {
      const found = view && caughtAt(view.lines, place);
      if (found === undefined || found.caught === 0) return;
      lab.show({ line: `${found.file}:${found.line}`, dock: 'req', panel: 'dock' });
    },
    [lab, view],
  );
  return { view, show };
}
