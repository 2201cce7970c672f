import type { Clock, FleetingHops, HopRecord, LogText, Random, SocketAddress } from '#domain';
import type { RouteTable } from './config/route-table.ts';
import type { StepSampler } from './decisions/hop-steps.ts';
import type { ProxyNetwork } from './doors.ts';
import type { FormatProxy } from './format/subject.ts';
import type { SpanSender } from './http/call/span-sender.ts';
import type { PeerMetadata, PeerWorkload } from './http/peer-metadata.ts';
import type { LogServices } from './log-service/log-services.ts';
import type { RuntimeValues } from './runtime-values.ts';
import type { IstioMetrics } from './stats/istio-metrics.ts';
import type { Stats } from './stats/stats.ts';
import { createTraceDraws, type TraceDraws } from './trace-draws.ts';
import type { TransportFactory } from './transports.ts';
import type { ClusterManager } from './upstream/cluster-manager.ts';

/** One source of chance per kind of decision, so that more of one kind never changes the sequence of another. */
export interface Chance {
  /** Weights, faults and mirrors of a request. */
  readonly draws: TraceDraws;
  /** Weights of TCP connections, which have no trace. */
  readonly weights: Random;
  readonly jitter: Random;
  readonly sampling: Random;
  readonly ids: Random;
}

export function splitChance(random: Random): Chance {
  return {
    draws: createTraceDraws(random.stream('draws')),
    weights: random.stream('weights'),
    jitter: random.stream('jitter'),
    sampling: random.stream('sampling'),
    ids: random.stream('ids'),
  };
}

/** Who this proxy is. */
export interface ProxySelf extends PeerWorkload, FormatProxy {
  readonly role: 'sidecar' | 'router';
  readonly ip: string;
  readonly spiffeId: string;
  /** How the records of its hops name this proxy: one object in all of them. */
  readonly inHops: HopRecord['proxy'];
}

/** What the parts of one running proxy share. */
export interface ProxyRuntime {
  readonly self: ProxySelf;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly network: ProxyNetwork;
  readonly clusters: ClusterManager;
  readonly transports: TransportFactory;
  readonly stats: Stats;
  /** What Envoy's runtime says. */
  readonly values: RuntimeValues;
  readonly metrics: IstioMetrics;
  readonly peerMetadata: PeerMetadata;
  readonly sampler: StepSampler;
  readonly routeTable: (name: string) => RouteTable | undefined;
  /** While it fails, connections end with the answer to their next request. */
  readonly health: { readonly failed: boolean };
  readonly onHop: (hop: HopRecord) => void;
  readonly fleetingHops: FleetingHops;
  /** To the services that access logs name. */
  readonly logServices: LogServices;
  /** To the collectors that tracing names. */
  readonly spans: SpanSender;
  readonly onLog: (line: string) => void;
  /** Writes to a logger of Envoy's; undefined while that is set to less than `debug`, as it is unless somebody asks for it. */
  readonly debug: (logger: string) => ((text: string) => void) | undefined;
  /** Receives the entries of access logs. */
  readonly onEntry: (entry: LogText) => void;
}

/** Splits `127.8.1.4:9080`. */
export function parseAddress(text: string): SocketAddress {
  const colon = text.lastIndexOf(':');
  return { ip: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
