import type { ForwardAction } from '../../config/route-table.ts';
import type { Fields } from '../../config/values.ts';
import type { Exchange } from '../exchange.ts';

/** The labels that the hosts of a request must have: those of its route and share, then what filters said of this request. */
export function requestCriteria(exchange: Exchange, action: ForwardAction): Fields | undefined {
  const { criteria } = exchange.share ?? action.shares[0]!;
  const said = exchange.dynamicMetadata?.of('envoy.lb');
  return said === undefined ? criteria : { ...criteria, ...said };
}
