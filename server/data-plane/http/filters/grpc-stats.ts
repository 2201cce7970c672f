import type { Any } from '#xds';
import type { Exchange } from '../exchange.ts';
import { isGrpc } from '../grpc.ts';
import type { GrpcMessages } from '../grpc-messages.ts';
import type { FilterParts } from './filter-parts.ts';

export interface GrpcStatsRules {
  /** Whether a call has figures of its own; the others share those of their cluster. */
  readonly names: (service: string, method: string) => boolean;
  /** Dots in the names of services become `_`. */
  readonly replacesDots: boolean;
  /** Figures tell how long hosts took. */
  readonly timesHosts: boolean;
  /** What it counts is left for formats. */
  readonly leavesCounts: boolean;
}

interface MethodListJson {
  readonly services?: readonly { readonly name?: string; readonly method_names?: readonly string[] }[];
}

/** Reads envoy.extensions.filters.http.grpc_stats.v3.FilterConfig. */
export function readGrpcStats(config: Any): GrpcStatsRules {
  const { services } = (config['individual_method_stats_allowlist'] ?? {}) as MethodListJson;
  const listed = services?.flatMap(({ name, method_names = [] }) => method_names.map((method) => `${name}/${method}`));
  const allowed = new Set(listed);
  const all = config['stats_for_all_methods'] === true;
  return {
    names: (service, method) => all || allowed.has(`${service}/${method}`),
    // As in Envoy, names of a list stay as they are.
    replacesDots: all && config['replace_dots_in_grpc_service_name'] === true,
    timesHosts: config['enable_upstream_stats'] === true,
    leavesCounts: config['emit_filter_state'] === true,
  };
}

/** Whether a filter needs the times at which a host was spoken to. */
export const timesHosts = (config: Any): boolean => config['enable_upstream_stats'] === true;

/** Clients and hosts choose names of figures: beyond so many no new ones are made. */
const MOST_NAMES = 1000;
const LONGEST_NAME = 200;

/** A service and a method, however many slashes stand between. */
const CALL = /^\/*([^/?]+)\/+([^/?]+)\/*(?:\?|$)/;

/**
 * Envoy's grpc_stats filter: counts gRPC calls that come by it under their clusters, by `grpc.<status>`, `grpc.success` or `grpc.failure`,
 * `grpc.total`, and their messages. A call that ends without a status counts with its messages alone. Unlike Envoy, it makes no figures
 * beyond a bound, and knows nothing of Connect.
 */
export function grpcStats(rules: GrpcStatsRules): FilterParts {
  const known = new Set<string>();
  const mayStand = (name: string): boolean => {
    if (known.has(name)) return true;
    if (known.size >= MOST_NAMES || name.length > LONGEST_NAME) return false;
    known.add(name);
    return true;
  };
  return {
    decode(exchange) {
      const { messages, head, info, runtime } = exchange;
      if (messages === undefined || !isGrpc(head.headers)) return 'next';
      const cluster = runtime.clusters.get(info.cluster);
      const [, service = '', method = ''] = cluster === undefined ? [] : (CALL.exec(head.path) ?? []);
      if (cluster === undefined || service === '') return 'next';
      if (rules.leavesCounts) exchange.leftCounts = messages;
      const shown = rules.replacesDots ? service.replaceAll('.', '_') : service;
      const of = rules.names(service, method) ? `${shown}.${method}.` : '';
      if (of !== '' && !mayStand(of)) return 'next';
      const { prefix } = cluster.stats;
      exchange.whenOver(() => count(exchange, { prefix: `${prefix}grpc.${of}`, messages, mayStand }));
      if (rules.timesHosts) exchange.whenOver(() => time(exchange, `${prefix}grpc.${of}upstream_rq_time`));
      return 'next';
    },
  };
}

interface Counted {
  readonly prefix: string;
  readonly messages: GrpcMessages;
  /** Whether a figure may have such a name. */
  readonly mayStand: (name: string) => boolean;
}

function count({ responseHead, responseTrailers, runtime }: Exchange, { prefix, messages, mayStand }: Counted): void {
  const add = (name: string, by: number): void => {
    if (by > 0) runtime.stats.stat(prefix + name).value += by;
  };
  add('request_message_count', messages.requests.count);
  // What a host says that speaks no gRPC has no messages.
  if (responseHead !== undefined && responseHead.status === 200 && isGrpc(responseHead.headers))
    add('response_message_count', messages.responses.count);
  for (const headers of [responseHead?.headers, responseTrailers]) {
    const status = headers?.get('grpc-status');
    if (status === undefined || !mayStand(status)) continue;
    add(status, 1);
    add(status === '0' ? 'success' : 'failure', 1);
    add('total', 1);
  }
}

/** From the last byte to the host until its last one, of answers that end in headers or trailers. */
function time({ info, responseTrailers, runtime }: Exchange, name: string): void {
  const { requestSent, responseReceived } = info.times ?? {};
  if (requestSent === undefined || responseReceived === undefined) return;
  if (responseTrailers === undefined && info.bytesSent > 0) return;
  runtime.stats.histogram(name).record(Math.floor(responseReceived - requestSent));
}
