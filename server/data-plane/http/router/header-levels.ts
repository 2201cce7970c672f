import type { HeaderRules } from '../../config/header-rules.ts';
import { applyResponseRules } from '../apply-rules.ts';
import type { Exchange, ResponseEdit } from '../exchange.ts';

const NO_RULES: readonly HeaderRules[] = [];

/**
 * Header changes of the destination, the route, the virtual host and the whole table, in the order in which they are made. Where the
 * most specific ones win, they are made last; as in Envoy those of a weighted destination come first even so.
 */
export function headerLevels({ route, share, table, virtualHost }: Exchange): readonly HeaderRules[] {
  const [own, ofHost, ofTable] = [route?.headers, virtualHost?.headers, table?.headers];
  if ((share?.headers ?? own ?? ofHost ?? ofTable) === undefined) return NO_RULES;
  const levels = table?.mostSpecificWins === true ? [ofTable, ofHost, own] : [own, ofHost, ofTable];
  return [share?.headers, ...levels].filter((rules) => rules !== undefined);
}

/** The same of levels that are known, whatever route the request has by then. */
export const changeAnswerBy =
  (levels: readonly HeaderRules[]): ResponseEdit =>
  ({ headers }, exchange) => {
    for (const rules of levels) applyResponseRules(rules, exchange, headers);
  };

/** What these levels change in an answer, whoever gives it: also in that of a filter, once a route that forwards is chosen. */
export const changeAnswer: ResponseEdit = ({ headers }, exchange) => {
  for (const rules of headerLevels(exchange)) applyResponseRules(rules, exchange, headers);
};
