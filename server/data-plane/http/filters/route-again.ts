import type { Exchange, LayerOutcome } from '../exchange.ts';
import { chooseRoute } from '../router/choose-route.ts';

/** What a filter wrote into the request may lead to another route: it is looked for anew. */
export function chooseRouteAgain(exchange: Exchange): LayerOutcome {
  exchange.route = undefined;
  exchange.share = undefined;
  exchange.virtualHost = undefined;
  exchange.info.cluster = '';
  return chooseRoute(exchange);
}
