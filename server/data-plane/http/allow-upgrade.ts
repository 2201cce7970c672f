import type { RequestLayer } from './exchange.ts';

/** Lets only those requests leave HTTP that the configuration names: WebSocket, as a rule. CONNECT is a matter of routes. */
export const allowUpgrade: RequestLayer = (exchange) => {
  const { config, head, stream } = exchange;
  if (!stream.tunnel || head.method === 'CONNECT') return 'next';
  const wanted = head.headers.get('upgrade')?.toLowerCase() ?? '';
  if (config.serving.upgrades.has(wanted)) return 'next';
  exchange.steps.add('response', 'stopped', '403', () => ({
    detail: `the client asks to leave HTTP for ${wanted}, which this listener does not allow`,
  }));
  exchange.reply({ status: 403, details: 'upgrade_failed' });
  return 'wait';
};
