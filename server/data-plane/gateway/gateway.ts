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

/** A gateway's listeners are bound ports: the port that was dialled names the listener. */
const noteListener: ConnectionLayer = (connection) => {
  connection.direct = true;
  const config = connection.listener?.config;
  if (config === undefined) return 'next';
  connection.note('listener', 'chosen', config.name, () => ({
    detail: `the client dialled ${formatAddress(connection.localAddress)}`,
    origin: originOf(config.origins),
  }));
  return 'next';
};

/** A connection from outside the mesh. */
export const gatewayConnection: readonly ConnectionLayer[] = [
  noteListener,
  limitRate,
  // A load balancer in front may tell who its client is.
  meetLoadBalancer,
  inspectFirstBytes,
  // With TLS the server name chooses among the gateway's servers.
  chooseFilterChain,
  // Filters that limit how many connections there are.
  admitConnection,
  terminateTls,
  runNetworkFilter,
];

/** A request from outside the mesh. */
export const gatewayRequest = (config: HttpFilterConfig): readonly RequestLayer[] => [
  completeResponses,
  ...judgeUnderscores(config.serving),
  continueRequest,
  normalize,
  normalizeHost,
  // The edge: steering headers of strangers are stripped, their address is written down.
  writeForwarding,
  // A new request id, and a new trace unless the client brought one.
  identify,
  propagateTrace,
  chooseRoute,
  ...logBeginnings(config.serving.logTimes),
  // WebSocket and what else the listener or the route lets leave HTTP.
  allowUpgrade,
  exchangeMetadataAsClient,
  ...runHttpFilters(config),
];
