import type { LogLineView } from '#contract';

export const scopes = [
  ['request', 'This request'],
  ['all', 'All proxies'],
  ['flags', 'With a flag'],
  ['failed', '4xx and 5xx'],
] as const;
export type Scope = (typeof scopes)[number][0];

export interface LogFilter {
  scope: Scope;
  words: string;
}

/** Reads `flags/reviews 503` from the address. */
export function readLogFilter(show: string | undefined, open: boolean): LogFilter {
  const [scope = '', ...words] = (show ?? '').split('/');
  return { scope: scopes.find(([key]) => key === scope)?.[0] ?? (open ? 'request' : 'all'), words: words.join('/') };
}

export const writeLogFilter = ({ scope, words }: LogFilter): string => (words === '' ? scope : `${scope}/${words}`);

/** Lines of the filter, up to a moment in the past. */
export function linesOf(lines: readonly LogLineView[], { scope, words }: LogFilter, atMs?: number): LogLineView[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return lines
    .filter((one) => atMs === undefined || one.atMs <= atMs)
    .filter(({ flags, status }) => {
      if (scope === 'flags') return flags.length > 0;
      return scope !== 'failed' || status >= 400 || (status === 0 && flags.length > 0);
    })
    .filter(({ line, pod, direction }) => {
      const text = `${pod} ${direction} ${line}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
}
