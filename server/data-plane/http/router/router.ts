import { parseClusterName } from '#domain';
import { formattedBody } from '../../config/local-reply-config.ts';
import { originOf } from '../../config/origins.ts';
import type {
  ClusterShare,
  CompiledRoute,
  DirectAction,
  ForwardAction,
  RedirectAction,
} from '../../config/route-table.ts';
import { recordMirror } from '../../decisions/mirror-record.ts';
import { applyRequestRules } from '../apply-rules.ts';
import type { Exchange, LayerOutcome, RequestLayer } from '../exchange.ts';
import { grpcTimeout, grpcTimeoutMs, isGrpc } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import { tellsHost } from '../tracing/operations.ts';
import { noteCluster, noteRewrite } from './call-steps.ts';
import { takeWishes } from './client-wishes.ts';
import { dropOverload, underMaintenance } from './drop-overload.ts';
import { changeAnswer, headerLevels } from './header-levels.ts';
import { MirrorCall, type MirrorOptions, type MirrorResult } from './mirror.ts';
import { redirectLocation, rewriteRedirected, rewriteRequest } from './rewrite.ts';
import { figuresOf } from './route-figures.ts';
import { refuseUnreadable } from './strict-headers.ts';
import { UpstreamCall } from './upstream-call.ts';

/** The last filter: answers by itself, or forwards to the route's cluster. */
export const router: RequestLayer = (exchange) => {
  const { route } = exchange;
  exchange.stats.routed.value++;
  if (route === undefined) return noRoute(exchange);
  if (route.target.kind === 'secure') return askForTls(exchange, route);
  exchange.answerRules = changeAnswer;
  switch (route.target.kind) {
    case 'redirect':
      return redirect(exchange, route, route.target);
    case 'direct':
      return answerDirectly(exchange, route, route.target);
    case 'forward':
      return forward(exchange, route, route.target);
  }
};

function noRoute(exchange: Exchange): LayerOutcome {
  exchange.stats.count('no_route');
  exchange.reply({ status: 404, flag: 'NR', details: 'route_not_found' });
  return 'wait';
}

function askForTls(exchange: Exchange, route: CompiledRoute): LayerOutcome {
  const { head } = exchange;
  // As in Envoy, a port that the client named comes along.
  const location = `https://${head.authority}${head.path}`;
  exchange.steps.add('response', 'stopped', '301', () => ({
    detail: `this host wants TLS, so the client is sent to ${location}`,
    origin: originOf(route.origins, 'require_tls'),
  }));
  exchange.stats.count('rq_direct_response');
  exchange.reply({ status: 301, details: 'direct_response', headers: { location } });
  return 'wait';
}

function redirect(exchange: Exchange, route: CompiledRoute, action: RedirectAction): LayerOutcome {
  rewriteRedirected(exchange.head, route, action);
  const location = redirectLocation(exchange.head, action);
  exchange.steps.add('response', 'stopped', String(action.status), () => ({
    detail: `the route redirects to ${location}`,
    origin: originOf(route.origins, 'redirect'),
  }));
  exchange.stats.count('rq_direct_response');
  exchange.reply({ status: action.status, details: 'direct_response', headers: { location } });
  return 'wait';
}

function answerDirectly(exchange: Exchange, route: CompiledRoute, action: DirectAction): LayerOutcome {
  exchange.steps.add('response', 'stopped', String(action.status), () => ({
    detail: `the route answers ${action.status} itself, nothing is forwarded`,
    origin: originOf(route.origins, 'direct_response'),
  }));
  exchange.stats.count('rq_direct_response');
  const { format, status } = action;
  exchange.reply({
    status,
    details: 'direct_response',
    body: format === undefined ? action.body : formattedBody(exchange, format, action.body),
    ...(format !== undefined && format.contentType !== 'text/plain' && { contentType: format.contentType }),
    headers: {
      // What was made, or is elsewhere, has an address: that of the request.
      ...((status === 201 || (status >= 300 && status < 400)) && { location: ownLocation(exchange) }),
    },
  });
  return 'wait';
}

function ownLocation({ head }: Exchange): string {
  return `${head.scheme}://${head.authority}${head.path}`;
}

function forward(exchange: Exchange, route: CompiledRoute, action: ForwardAction): LayerOutcome {
  const share = exchange.share ?? action.shares[0]!;
  const cluster = exchange.runtime.clusters.get(share.cluster);
  if (cluster === undefined) return noCluster(exchange, route, action, share);
  const { strictHeaders } = exchange.config;
  if (strictHeaders !== undefined && refuseUnreadable(exchange, strictHeaders)) return 'wait';
  exchange.routeFigures = figuresOf(exchange, route);
  if (exchange.internal) takeWishes(exchange, cluster);
  if (exchange.steps.on) noteCluster(exchange.steps, cluster);
  if (exchange.runtime.values.rulesMaintenance && underMaintenance(exchange, cluster)) return 'wait';
  if (cluster.drops !== undefined && dropOverload(exchange, cluster, cluster.drops)) return 'wait';
  const levels = headerLevels(exchange);
  if (levels.length > 0) exchange.cameAsGrpc ??= isGrpc(exchange.head.headers);
  // The try that follows is counted by then.
  exchange.info.attempts = 1;
  const { authority } = exchange.head;
  applyRequestRules(share.headers, exchange);
  // As in Envoy, a destination's own host is there for the other levels, and nobody is told which it was before.
  if (share.host !== undefined) exchange.head.authority = share.host;
  for (const rules of levels) if (rules !== share.headers) applyRequestRules(rules, exchange);
  exchange.info.attempts = 0;
  limitStream(exchange, action);
  const { path } = exchange.head;
  rewriteRequest(exchange, route, action);
  if (exchange.steps.on) noteRewrite(exchange.steps, route, { path, authority }, exchange.head);
  if (route.operation !== undefined && route.tellsOperation && tellsHost(exchange)) {
    exchange.head.headers.set('x-envoy-decorator-operation', route.operation);
  }
  const { headers } = exchange.head;
  const timeoutMs = wholeMs(exchange, routeTimeoutMs(headers, action));
  const tryMs = takeMs(headers, 'x-envoy-upstream-rq-per-try-timeout-ms', action.retry?.perTryTimeoutMs ?? 0);
  const perTryTimeoutMs = timeoutMs > 0 && tryMs >= timeoutMs ? 0 : tryMs;
  const mirrors =
    action.mirrors.length === 0 ? NO_MIRRORS : createMirrors(exchange, action, { timeoutMs, perTryTimeoutMs });
  const misnamed = levels.length === 0 ? undefined : levels.find((rules) => rules.misnamed !== undefined)?.misnamed;
  new UpstreamCall({ exchange, action, cluster, timeoutMs, perTryTimeoutMs, mirrors, misnamed }).start();
  return 'wait';
}

function noCluster(exchange: Exchange, route: CompiledRoute, action: ForwardAction, share: ClusterShare): LayerOutcome {
  exchange.stats.count('no_cluster');
  const parts = parseClusterName(share.cluster);
  exchange.steps.add('cluster', 'stopped', share.cluster, () => ({
    detail: parts?.subset
      ? `the proxy has no cluster of this name: no DestinationRule defines subset ${parts.subset} of ${parts.host}`
      : 'the proxy has no cluster of this name: the service is unknown to it',
    origin: originOf(route.origins, shareOrigin(route, action, share)),
  }));
  exchange.reply({ status: action.clusterNotFoundStatus, flag: 'NC', details: 'cluster_not_found' });
  return 'wait';
}

/** Which destination of the route named the cluster. A table of weights may hold a single entry. */
const shareOrigin = ({ origins }: CompiledRoute, { shares }: ForwardAction, share: ClusterShare): string =>
  origins?.parts.has('cluster') ? 'cluster' : `weighted_clusters.${shares.indexOf(share)}`;

/** As in Envoy, the host of a gRPC call is told how long the stream may last. */
function limitStream(exchange: Exchange, action: ForwardAction): void {
  const { headers } = exchange.head;
  const limitMs = streamLimitMs(headers, action);
  exchange.limit(limitMs, action.silenceMs);
  if (limitMs !== undefined && limitMs > 0 && isGrpc(headers)) headers.put('grpc-timeout', grpcTimeout(limitMs));
}

/** The life of the stream: what the route says, or `grpc-timeout` within the route's bound. Source: refreshDurationTimeout in Envoy. */
function streamLimitMs(headers: Headers, action: ForwardAction): number | undefined {
  const { grpcStreamMaxMs, grpcStreamOffsetMs, maxStreamMs } = action;
  const asked = grpcStreamMaxMs === undefined ? undefined : grpcTimeoutMs(headers);
  if (grpcStreamMaxMs === undefined || asked === undefined) return maxStreamMs;
  const allowed = grpcStreamMaxMs > 0 ? Math.min(asked, grpcStreamMaxMs) : asked;
  // A time that is over at once is a limit, too; only 0 in the configuration means none.
  return Math.max(AT_ONCE_MS, allowed - grpcStreamOffsetMs);
}

const AT_ONCE_MS = 1;

/** gRPC calls bring their own limit where the route takes it; the route's is then its upper bound. 0 means none. */
function routeTimeoutMs(headers: Headers, action: ForwardAction): number {
  const { grpcTimeoutOffsetMs, timeoutMs, maxGrpcTimeoutMs, limitsStream } = action;
  // A limit of the stream takes the place of the limit of the answer.
  if (limitsStream) return 0;
  if (maxGrpcTimeoutMs === undefined || !isGrpc(headers)) return timeoutMs;
  const told = grpcTimeoutMs(headers) ?? 0;
  const asked = told > grpcTimeoutOffsetMs ? told - grpcTimeoutOffsetMs : told;
  return maxGrpcTimeoutMs > 0 && (asked === 0 || asked > maxGrpcTimeoutMs) ? maxGrpcTimeoutMs : asked;
}

/** How long all tries may take: what the client asks for, or where that counts what a proxy before this one has told, else the route's. */
function wholeMs({ config, head: { headers } }: Exchange, ofRoute: number): number {
  const told = config.respectsExpectedTime ? headers.get('x-envoy-expected-rq-timeout-ms') : undefined;
  if (told === undefined) return takeMs(headers, 'x-envoy-upstream-rq-timeout-ms', ofRoute);
  return readMs(told, ofRoute);
}

const readMs = (given: string, otherwise: number): number => (/^\+?\d+$/.test(given) ? Number(given) : otherwise);

/** A limit of the route, unless the client asks for another by header. */
function takeMs(headers: Headers, name: string, ofRoute: number): number {
  const given = headers.get(name);
  if (given === undefined) return ofRoute;
  headers.remove(name);
  return readMs(given, ofRoute);
}

const NO_MIRRORS: readonly MirrorCall[] = [];

/** Copies of the request as it is now; they are sent once a host is chosen for the request itself. */
function createMirrors(
  exchange: Exchange,
  action: ForwardAction,
  limits: Pick<MirrorOptions, 'timeoutMs' | 'perTryTimeoutMs'>,
): readonly MirrorCall[] {
  const calls: MirrorCall[] = [];
  for (const policy of action.mirrors) {
    const { clusterHeader } = policy;
    const share = exchange.runtime.values.share(policy.share);
    const name = clusterHeader === '' ? policy.cluster : (exchange.head.headers.get(clusterHeader) ?? '');
    const cluster = exchange.runtime.clusters.get(name);
    if (
      cluster === undefined ||
      exchange.runtime.chance.draws.below('mirror', exchange.traceKey, share.of) >= share.numerator
    )
      continue;
    const onResult = (result: MirrorResult): void => recordMirror(exchange, result);
    calls.push(new MirrorCall({ exchange, action, cluster, policy, ...limits, onResult }));
  }
  return calls;
}
