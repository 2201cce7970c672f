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
  /** What the view of evidence is opened at: a series, a proxy, a filter. It belongs to `dock`. */
  show?: string;
  /** A line of the learner's text, `reviews.yaml:14`: the requests that it decided about are looked at. */
  line?: string;
  /** The request that the open one is compared with. */
  other?: string;
}

export const dockViews = [
  'why',
  'term',
  'req',
  'trace',
  'log',
  'metrics',
  'xds',
  'certs',
  'events',
  'try',
  'time',
  'predict',
  'slow',
] as const;
export type DockView = (typeof dockViews)[number];
export const panelViews = ['read', 'edit', 'map', 'why', 'dock'] as const;
export type PanelView = (typeof panelViews)[number];

const LONG: Record<string, DockView> = { terminal: 'term', requests: 'req', certificates: 'certs' };
const REQUEST = /^[0-9a-f]{16}$/;
const LINE = /^[\w.-]{1,67}\.ya?ml:[1-9]\d{0,5}$/i;
const LONGEST_SHOW = 300;

function oneOf<T extends string>(choices: readonly T[], text: string | null): T | undefined {
  return choices.find((choice) => choice === text);
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** Reads `?request=…&view=trace&panel=why&push=3&at=…&step=…&show=…&line=…&other=…`; what is not understood is left out. */
export function readAddress(search: string): ViewState {
  const query = new URLSearchParams(search);
  const view = query.get('view');
  const request = query.get('request');
  const push = wholeNumber(query.get('push'));
  const atMs = wholeNumber(query.get('at'));
  const step = query.get('step');
  const known = request !== null && REQUEST.test(request);
  const [show, line, other] = [query.get('show'), query.get('line'), query.get('other')];
  const dock = (view === null ? undefined : LONG[view]) ?? oneOf(dockViews, view);
  return {
    dock: dock ?? (known ? 'why' : 'req'),
    panel: oneOf(panelViews, query.get('panel')) ?? (known ? 'why' : 'read'),
    ...(known ? { request } : {}),
    ...(push === undefined ? {} : { push }),
    ...(atMs === undefined ? {} : { atMs }),
    ...(step === null ? {} : { step }),
    ...(show !== null && show !== '' && show.length <= LONGEST_SHOW ? { show } : {}),
    ...(line !== null && LINE.test(line) ? { line } : {}),
    ...(other !== null && REQUEST.test(other) ? { other } : {}),
  };
}

const NAMES = ['request', 'view', 'panel', 'push', 'at', 'step', 'show', 'line', 'other'];

/** The search part that leads back to `view`; parameters of others in `current` stay as they are. */
export function writeAddress(view: ViewState, current = ''): string {
  const query = new URLSearchParams(current);
  for (const name of NAMES) query.delete(name);
  if (view.request) query.set('request', view.request);
  query.set('view', view.dock);
  query.set('panel', view.panel);
  if (view.push !== undefined) query.set('push', String(view.push));
  if (view.atMs !== undefined) query.set('at', String(Math.round(view.atMs)));
  if (view.step) query.set('step', view.step);
  if (view.show) query.set('show', view.show);
  if (view.line) query.set('line', view.line);
  if (view.other) query.set('other', view.other);
  return `?${query.toString()}`;
}
