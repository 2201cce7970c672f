/** What the page shows, as far as a link can say it. */
export interface ViewState {
  request?: string;
  dock: DockView;
  panel: PanelView;
  /** Number of the push that is looked at. */
  push?: number;
  /** A moment in the past, milliseconds since 1970; absent: live. */
  atMs?: number;
  step?: string;
}

export const dockViews = ['why', 'term', 'req', 'trace', 'log', 'xds'] as const;
export type DockView = (typeof dockViews)[number];
export const panelViews = ['read', 'edit', 'map', 'why', 'dock'] as const;
export type PanelView = (typeof panelViews)[number];

const LONG: Record<string, DockView> = { terminal: 'term', requests: 'req' };

function oneOf<T extends string>(choices: readonly T[], text: string | null): T | undefined {
  return choices.find((choice) => choice === text);
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** Reads `?request=…&view=trace&panel=why&push=3&at=…&step=…`; what is not understood is left out. */
export function readAddress(search: string): ViewState {
  const query = new URLSearchParams(search);
  const view = query.get('view');
  const request = query.get('request');
  const push = wholeNumber(query.get('push'));
  const atMs = wholeNumber(query.get('at'));
  const step = query.get('step');
  const known = request !== null && /^[0-9a-f]{16}$/.test(request);
  const dock = (view === null ? undefined : LONG[view]) ?? oneOf(dockViews, view);
  return {
    dock: dock ?? (known ? 'why' : 'req'),
    panel: oneOf(panelViews, query.get('panel')) ?? (known ? 'why' : 'read'),
    ...(known ? { request } : {}),
    ...(push === undefined ? {} : { push }),
    ...(atMs === undefined ? {} : { atMs }),
    ...(step === null ? {} : { step }),
  };
}

/** The search part that leads back to `view`; parameters of others in `current` stay as they are. */
export function writeAddress(view: ViewState, current = ''): string {
  const query = new URLSearchParams(current);
  for (const name of ['request', 'view', 'panel', 'push', 'at', 'step']) query.delete(name);
  if (view.request) query.set('request', view.request);
  query.set('view', view.dock);
  query.set('panel', view.panel);
  if (view.push !== undefined) query.set('push', String(view.push));
  if (view.atMs !== undefined) query.set('at', String(Math.round(view.atMs)));
  if (view.step) query.set('step', view.step);
  return `?${query.toString()}`;
}
