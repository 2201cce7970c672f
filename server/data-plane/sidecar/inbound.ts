import { formatAddress } from '#domain';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { originOf } from '../config/origins.ts';
import { allowUpgrade } from '../http/allow-upgrade.ts';
import type { RequestLayer } from '../http/exchange.ts';
import { runHttpFilters } from '../http/filters/filters.ts';
import { continueRequest } from '../http/informational.ts';
import { identify, normalize, normalizeHost, propagateTrace, writeForwarding } from '../http/layers.ts';
import { logBeginnings } from '../http/log-meanwhile.ts';
import { exchangeMetadataAsServer } from '../http/metadata-exchange.ts';
import { completeResponses } from '../http/response-layers.ts';
import { chooseRoute } from '../http/router/choose-route.ts';
import { judgeUnderscores } from '../http/underscores.ts';
import { admitConnection, limitRate } from '../listener/admit-connection.ts';
import { chooseFilterChain, inspectFirstBytes, runNetworkFilter, terminateTls } from '../listener/connection-layers.ts';
import { meetLoadBalancer } from '../listener/meet-load-balancer.ts';
import type { ConnectionLayer } from '../listener/pending-connection.ts';

export const INBOUND_PORT = 15006;
const VIRTUAL_INBOUND = 'virtualInbound';

/** Every connection to the pod arrives at one listener; the port it meant is known from capture. */
const noteCapture: ConnectionLayer = (connection) => {
  const to = formatAddress(connection.localAddress);
  connection.note('capture', 'applied', `${connection.runtime.self.ip}:${INBOUND_PORT}`, () => ({
    detail: `capture sent the connection to ${to} into the proxy`,
    evidence: { originalDestination: to },
  }));
  return 'next';
};

const chooseInboundListener: ConnectionLayer = (connection) => {
  const listener = connection.listeners(VIRTUAL_INBOUND);
  connection.listener = listener;
  if (listener === undefined) return 'next';
  connection.note('listener', 'chosen', VIRTUAL_INBOUND, () => ({
    detail: 'one listener takes everything that arrives for the pod',
    origin: originOf(listener.config.origins),
  }));
  return 'next';
};

/** A connection that somebody made to the pod. */
export const inboundConnection: readonly ConnectionLayer[] = [
  noteCapture,
  chooseInboundListener,
  limitRate,
  // A load balancer in front may tell who its client is.
  meetLoadBalancer,
  // TLS or not, and its ALPN: mesh clients and others take different chains.
  inspectFirstBytes,
  // Here a STRICT port refuses plaintext.
  chooseFilterChain,
  // Filters that limit how many connections there are.
  admitConnection,
  // Here the client proves who it is.
  terminateTls,
  runNetworkFilter,
];

/** A request on its way to the application. */
export const inboundRequest = (config: HttpFilterConfig): readonly RequestLayer[] => [
  completeResponses,
  ...judgeUnderscores(config.serving),
  continueRequest,
  normalize,
  normalizeHost,
  // The client's identity reaches the application in X-Forwarded-Client-Cert.
  writeForwarding,
  // The span of this hop is the server's side of the call, a child of the client proxy's.
  identify,
  propagateTrace,
  chooseRoute,
  ...logBeginnings(config.serving.logTimes),
  // WebSocket and what else the listener or the route lets leave HTTP.
  allowUpgrade,
  exchangeMetadataAsServer,
  ...runHttpFilters(config),
];
