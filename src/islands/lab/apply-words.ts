import type { ApplyView } from '#contract';
import { counted, formatMs } from '../parts/format.ts';

/** What came of an apply, in one sentence. */
export function applyWords(view: ApplyView): string {
  if (!view.accepted) {
    const errors = view.diagnostics.filter((one) => one.severity === 'error').length;
    const count = errors > 0 ? counted(errors, 'error') : counted(view.diagnostics.length, 'problem');
    return `Refused: ${count}. What was in force still is.`;
  }
  const refusing = nacksOf(view).length;
  if (refusing > 0)
    return `Applied, but ${counted(refusing, 'proxy', 'proxies')} refused the push and kept the last good configuration.`;
  if (view.effectiveMs !== undefined && view.proxies > 0) {
    return `Applied. In force at ${counted(view.proxies, 'proxy', 'proxies')} after ${formatMs(view.effectiveMs)}.`;
  }
  if (view.push && view.proxies > 0) return 'Applied. Not every proxy has answered yet.';
  return waitsForIstiod(view)
    ? 'Stored. istiod does not run, so no proxy hears of it.'
    : 'Applied. Nothing changed for the proxies.';
}

/** Something was stored, and nobody was there to push it. */
export function waitsForIstiod(view: ApplyView): boolean {
  return view.accepted && view.push === undefined && view.objects.some(({ outcome }) => outcome !== 'unchanged');
}

/** Proxies that refused, with their own words. */
export function nacksOf(view: ApplyView): { pod: string; error: string }[] {
  return (view.push?.proxies ?? [])
    .filter((proxy) => proxy.state === 'nacked')
    .map((proxy) => ({ pod: proxy.pod, error: proxy.error ?? 'no reason given' }));
}

export function applyTone(view: ApplyView): 'good' | 'bad' {
  return view.accepted && nacksOf(view).length === 0 ? 'good' : 'bad';
}
