import { atom, type ReadableAtom } from 'nanostores';
import type { MomentView } from '#contract';
import { type LabClient, sayError } from '../../lab-client/index.ts';

/** The lab as it was, for the moment that the page shows; undefined while the page is live. */
export type Past =
  | { state: 'live' }
  | { state: 'loading'; before?: MomentView }
  | { state: 'ready'; view: MomentView }
  | { state: 'failed'; message: string };

const pasts = new WeakMap<LabClient, ReadableAtom<Past>>();
/** Dragging asks for many moments; only where it rests is asked for. */
const REST_MS = 80;

/** Follows the moment in the page's address and asks the lab what was there. */
export function pastOf(lab: LabClient): ReadableAtom<Past> {
  const known = pasts.get(lab);
  if (known) return known;
  const past = atom<Past>({ state: 'live' });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let asked: string | undefined;

  const ask = async (key: string, atMs: number, push: number | undefined): Promise<void> => {
    try {
      // A push that was chosen is looked at as it took effect; between pushes the clock says what was in force.
      const chosen = lab.stores.pushes.get().find((one) => one.number === push);
      const exact = push === 0 || (chosen && chosen.atMs + (chosen.effectiveMs ?? 0) === atMs);
      const view = await lab.request('time.moment', exact && push !== undefined ? { push } : { atMs });
      if (asked === key) past.set({ state: 'ready', view });
    } catch (error) {
      if (asked === key) past.set({ state: 'failed', message: sayError(error) });
    }
  };
  const look = (): void => {
    const { atMs, push } = lab.stores.view.get();
    const key = atMs === undefined ? undefined : `${atMs} ${push ?? ''}`;
    if (key === asked) return;
    asked = key;
    clearTimeout(waiting);
    if (atMs === undefined || key === undefined) {
      past.set({ state: 'live' });
      return;
    }
    const now = past.get();
    past.set({ state: 'loading', ...(now.state === 'ready' ? { before: now.view } : {}) });
    waiting = setTimeout(() => void ask(key, atMs, push), REST_MS);
  };
  lab.stores.view.listen(look);
  // A link to a moment is opened before the lab answers; after a restart of the mesh it is asked anew.
  lab.stores.opened.listen(() => {
    void fillHistory(lab);
    asked = undefined;
    look();
  });
  look();
  pasts.set(lab, past);
  return past;
}

/** The seconds that this page did not see, because it was opened later, come from the lab. */
async function fillHistory(lab: LabClient): Promise<void> {
  try {
    const { seconds } = await lab.request('time.line', {});
    const { history } = lab.stores;
    const first = history.get()[0]?.atMs ?? Number.POSITIVE_INFINITY;
    history.set([...seconds.filter(({ atMs }) => atMs < first), ...history.get()]);
  } catch {
    // The lab has not started yet: the bar fills itself from now on.
  }
}
