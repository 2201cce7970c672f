import type { RequestLayer } from './exchange.ts';

/** Lets only those requests leave HTTP that the route, else the listener names: WebSocket, as a rule. CONNECT counts as one of them. */
export const allowUpgrade: RequestLayer = (exchange) => {
  const { config, head, route, stream } = exchange;
  if (!stream.tunnel) return 'next';
  const wanted = head.method === 'CONNECT' ? 'connect' : (head.headers.get('upgrade')?.toLowerCase() ?? '');
  const ofRoute = route?.target.kind === 'forward' ? route.target.upgrades.get(wanted) : undefined;
  if (ofRoute ?? config.serving.upgrades.has(wanted)) {
    exchange.upgrade = exchange.stats.upgraded();
    exchange.upgrade.value++;
    return 'next';
  }
  // As in Envoy, what nobody has a route for is told that.
  if (route === undefined) return 'next';
  exchange.steps.add('response', 'stopped', '403', () => ({
    detail: `the client asks to leave HTTP for ${wanted}, which neither this listener nor the route allows`,
  }));
  exchange.stats.count('downstream_rq_ws_on_non_ws_route');
  exchange.reply({ status: 403, details: 'upgrade_failed' });
  return 'wait';
};
