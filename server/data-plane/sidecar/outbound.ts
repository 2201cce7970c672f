import { formatAddress } from '#domain';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { originOf } from '../config/origins.ts';
import { allowUpgrade } from '../http/allow-upgrade.ts';
import type { RequestLayer } from '../http/exchange.ts';
import { runHttpFilters } from '../http/filters/filters.ts';
import { continueRequest } from '../http/informational.ts';
import { identify, normalize, normalizeHost, propagateTrace, writeForwarding } from '../http/layers.ts';
import { logBeginnings } from '../http/log-meanwhile.ts';
import { exchangeMetadataAsClient } from '../http/metadata-exchange.ts';
import { completeResponses } from '../http/response-layers.ts';
import { chooseRoute } from '../http/router/choose-route.ts';
import { judgeUnderscores } from '../http/underscores.ts';
import { admitConnection, limitRate } from '../listener/admit-connection.ts';
import { chooseFilterChain, inspectFirstBytes, runNetworkFilter, terminateTls } from '../listener/connection-layers.ts';
import { meetLoadBalancer } from '../listener/meet-load-balancer.ts';
import type { ConnectionLayer } from '../listener/pending-connection.ts';

export const OUTBOUND_PORT = 15001;
const VIRTUAL_OUTBOUND = 'virtualOutbound';

/** Where the application wanted to go before capture sent it here. Nobody redirected it: it asked for 15001 itself. */
const readOriginalDestination: ConnectionLayer = async (connection) => {
  const { runtime, socket } = connection;
  const wanted = await runtime.network.originalDestination(socket);
  if (socket.destroyed) return 'stop';
  connection.localAddress = wanted ?? { ip: runtime.self.ip, port: OUTBOUND_PORT };
  const to = formatAddress(connection.localAddress);
  connection.note(
    'capture',
    wanted === undefined ? 'passed' : 'applied',
    `${runtime.self.ip}:${OUTBOUND_PORT}`,
    () => ({
      detail:
        wanted === undefined
          ? 'the connection was made to the proxy itself, capture had no part in it'
          : `capture sent the application's connection to ${to} into the proxy`,
      evidence: { originalDestination: to },
    }),
  );
  return 'next';
};

/** The listener of exactly this address, else the one of this port on any address, else the catch-all. */
const chooseOutboundListener: ConnectionLayer = (connection) => {
  const { ip, port } = connection.localAddress;
  const exact = connection.listeners(`${ip}_${port}`);
  const anyAddress = connection.listeners(`0.0.0.0_${port}`);
  const listener = exact ?? anyAddress ?? connection.listeners(VIRTUAL_OUTBOUND);
  connection.listener = listener;
  if (listener === undefined) return 'next';
  const { name, origins } = listener.config;
  connection.note('listener', 'chosen', name, () => ({
    detail:
      name === VIRTUAL_OUTBOUND
        ? `no service of the mesh uses ${ip}:${port}, so the catch-all takes it`
        : exact === undefined
          ? `services with port ${port} share this listener; the Host header tells them apart`
          : `the listener of ${ip} alone`,
    origin: originOf(origins),
    rejected:
      exact === undefined && name !== VIRTUAL_OUTBOUND
        ? [{ name: `${ip}_${port}`, reason: 'does not exist: no TCP service has this address' }]
        : [],
  }));
  return 'next';
};

/** A captured connection on its way out. */
export const outboundConnection: readonly ConnectionLayer[] = [
  readOriginalDestination,
  chooseOutboundListener,
  limitRate,
  // A load balancer in front may tell who its client is.
  meetLoadBalancer,
  // Only listeners whose chains depend on SNI, ALPN or HTTP wait for the first bytes.
  inspectFirstBytes,
  chooseFilterChain,
  // Filters that limit how many connections there are.
  admitConnection,
  terminateTls,
  runNetworkFilter,
];

/** A request of the application on its way out. */
export const outboundRequest = (config: HttpFilterConfig): readonly RequestLayer[] => [
  // Answers leave through the same door, whoever gives them.
  completeResponses,
  ...judgeUnderscores(config.serving),
  continueRequest,
  // The path first: every later layer sees it without dot segments.
  normalize,
  normalizeHost,
  writeForwarding,
  // The span of this hop is the client's side of the call.
  identify,
  propagateTrace,
  // Before the filters, because a fault belongs to a route.
  chooseRoute,
  ...logBeginnings(config.serving.logTimes),
  // WebSocket and what else the listener or the route lets leave HTTP.
  allowUpgrade,
  exchangeMetadataAsClient,
  // fault, cors … in the order the configuration gives, the router last.
  ...runHttpFilters(config),
];
