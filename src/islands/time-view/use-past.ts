import type { MomentView } from '#contract';
import { useLab, useStore } from '../parts/use-store.ts';
import { pastOf } from './past.ts';

/** What was there at the moment that the page shows; undefined: live, or not answered yet. */
export function usePast(): MomentView | undefined {
  const past = useStore(pastOf(useLab()));
  return past.state === 'ready' ? past.view : past.state === 'loading' ? past.before : undefined;
}
