import type { RequestLayer } from './exchange.ts';
import { Headers } from './headers.ts';

/** Statuses that are no answer yet and are passed on, of those that Envoy knows (HeaderUtility::isSpecial1xx). */
export const PASSED_ON: ReadonlySet<number> = new Set([100, 102, 103, 104]);

/** Answers `Expect: 100-continue` at once, unless the host is to be asked: that is what `proxy_100_continue` wants, which Istio sets. */
export const continueRequest: RequestLayer = (exchange) => {
  if (exchange.config.passesInformational) return 'next';
  const { headers } = exchange.head;
  if (headers.get('expect')?.toLowerCase() !== '100-continue') return 'next';
  headers.remove('expect');
  exchange.respondInformational({ status: 100, headers: new Headers() });
  return 'next';
};
