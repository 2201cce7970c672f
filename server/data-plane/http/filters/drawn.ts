import type { Fraction } from '../../config/values.ts';
import type { DrawKind } from '../../trace-draws.ts';
import type { Exchange } from '../exchange.ts';

/** Whether a request belongs to the share for which something is switched on. */
export function drawn(exchange: Exchange, what: DrawKind, given: Fraction): boolean {
  const { numerator, of } = exchange.runtime.values.share(given);
  if (numerator === 0) return false;
  return numerator >= of || exchange.runtime.chance.draws.below(what, exchange.traceKey, of) < numerator;
}
