import type { Fraction } from '../../../config/values.ts';
import type { Exchange } from '../../exchange.ts';

/** Whether a request belongs to the share for which a limit is switched on, enforced, or refuses when it cannot be asked. */
export function drawn(
  exchange: Exchange,
  what: 'limit_enabled' | 'limit_enforced' | 'limit_on_error',
  { numerator, of }: Fraction,
): boolean {
  if (numerator === 0) return false;
  return numerator >= of || exchange.runtime.chance.draws.below(what, exchange.traceKey, of) < numerator;
}
