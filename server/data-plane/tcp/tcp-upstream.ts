import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Timer } from '#domain';
import type { AttemptWait } from '../config/network-filter.ts';
import { partOrigin } from '../config/origins.ts';
import type { Fields } from '../config/values.ts';
import { nextConnectionId } from '../connection-ids.ts';
import type { HopSteps } from '../decisions/hop-steps.ts';
import type { RequestHead, ResetReason, TlsFacts } from '../http/codec.ts';
import { formatEndpoint } from '../http/h1/socket-address.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { noteCluster, noteConnected, noteEndpoint, noteNoHost } from '../http/router/call-steps.ts';
import { RESET_WORDS } from '../http/router/reset-reasons.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type ConnectionContext, originalDestination } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { handshakeCounter } from '../tls/index.ts';
import { clientHeader, HEADER_SCOPE, TOO_LONG } from '../upstream/client-header.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import { connectTo } from '../upstream/connect.ts';
import type { Host } from '../upstream/host.ts';
import type { HostChoice } from '../upstream/pick-context.ts';
import { ConnectAttempt } from '../upstream/pool-connecting.ts';
import { HttpTunnel } from './http-tunnel.ts';

export interface TcpUpstreamOptions {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  /** Name of the cluster. */
  readonly cluster: string;
  readonly maxAttempts: number;
  readonly attemptWait: AttemptWait | undefined;
  readonly hash: () => bigint | undefined;
  /** Labels that the host must have, where the cluster has subsets. */
  readonly criteria: () => Fields | undefined;
  /** Makes the request for a tunnel, where the host is asked for one. */
  readonly tunnel: (() => RequestHead) | undefined;
  readonly steps: HopSteps;
  readonly info: StreamInfo;
  readonly onConnected: (socket: Duplex) => void;
  /** The host is unhealthy, and its cluster gives up connections to such hosts. */
  readonly onHostDown: () => void;
  /** No connection is made any more; `details` as those of a request. */
  readonly onFailed: (details: string) => void;
}

export const NO_CLUSTER = 'cluster_not_found';

/** The connection of one TCP session to a host of its cluster, with the attempts that it takes. */
export class TcpUpstream {
  readonly #options: TcpUpstreamOptions;
  #attempt: ConnectAttempt | HttpTunnel | undefined;
  #cluster: UpstreamCluster | undefined;
  #host: Host | undefined;
  #tls: TlsFacts | undefined;
  /** Until the next attempt. */
  #wait: Timer | undefined;
  #joined = false;
  #heldSince = 0;
  /** The host counts it as a request; as in Envoy not before there is a connection. */
  #isActive = false;
  /** A tunnel's connection belongs to a pool, which counts it. */
  #pooled = false;

  constructor(options: TcpUpstreamOptions) {
    this.#options = options;
  }

  /** That of the connection, or of the last attempt. */
  get cluster(): UpstreamCluster | undefined {
    return this.#cluster;
  }

  get host(): Host | undefined {
    return this.#host;
  }

  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  start(): void {
    const { cluster: name, context, criteria, hash, info, runtime, steps, tunnel } = this.#options;
    const named = runtime.clusters.get(name);
    if (named === undefined) {
      steps.add('cluster', 'stopped', name, () => ({ detail: 'the proxy has no cluster of this name' }));
      this.#giveUp('NC', NO_CLUSTER);
      return;
    }
    noteCluster(steps, named);
    if (this.#isFull(named)) return;
    const choice = named.pick({ originalDestination: originalDestination(context), hash, criteria });
    if (choice === undefined) {
      noteNoHost(steps, named);
      this.#giveUp('UH', 'no_healthy_upstream');
      return;
    }
    const cluster = named.ownerOf(choice.host);
    if (steps.on) noteEndpoint(steps, cluster, choice);
    if (tunnel !== undefined) {
      this.#askForTunnel(cluster, choice, tunnel());
      return;
    }
    const { limits, pendingRequests } = cluster.breakers.DEFAULT;
    if (pendingRequests >= limits.maxPendingRequests) {
      cluster.stats.count('upstream_rq_pending_overflow');
      info.attempts++;
      this.#anotherAttempt(cluster);
      return;
    }
    if (cluster !== named && this.#isFull(cluster)) return;
    this.#connect(cluster, choice);
  }

  /** The session is over. `by`: who ended the connection to the host. */
  end(by: 'local' | 'remote'): void {
    this.#wait?.cancel();
    this.#attempt?.abandon();
    this.#leave(by);
  }

  /** Gives up where all connections are open. As in Envoy, nobody is asked for a host then. */
  #isFull({ breakers, config, stats }: UpstreamCluster): boolean {
    const { connections, limits } = breakers.DEFAULT;
    if (connections < limits.maxConnections) return false;
    this.#options.steps.add('pool', 'stopped', config.name, () => ({
      detail: `all ${limits.maxConnections} connections that the circuit breaker allows are open`,
      origin: partOrigin(config.origins, 'circuit_breakers'),
      evidence: { connections: limits.maxConnections },
    }));
    stats.count('upstream_cx_overflow');
    this.#giveUp('UO', 'upstream_reset_before_response_started{overflow}');
    return true;
  }

  #connect(cluster: UpstreamCluster, choice: HostChoice): void {
    const { context, info, runtime, steps } = this.#options;
    const { host } = choice;
    const header = cluster.transports.clientHeaderFor(host);
    this.#enter(cluster, host);
    // A TLS socket around it may not tell the addresses.
    let dialled: Socket | undefined;
    this.#attempt = new ConnectAttempt(
      {
        connect: () => {
          dialled = connectTo(runtime.network, cluster, host.address)();
          return dialled;
        },
        further: host.endpoint.furtherAddresses?.map((address) => () => {
          dialled = connectTo(runtime.network, cluster, address)();
          return dialled;
        }),
        onFurther: () => cluster.stats.count('upstream_cx_total'),
        transport: transportOf(runtime, cluster, host),
        firstBytes: header && clientHeader(header, host, context, () => cluster.stats.count(HEADER_SCOPE + TOO_LONG)),
        timeoutMs: cluster.config.connectTimeoutMs,
        clock: runtime.clock,
      },
      {
        connected: (attempt, { socket, tls }) => {
          const localAddress = formatEndpoint(dialled?.localAddress, dialled?.localPort);
          noteConnected(steps, cluster, { choice, priority: 'DEFAULT' }, { reused: false, localAddress, tls });
          this.#attempt = undefined;
          this.#joined = true;
          this.#countAtHost(host);
          cluster.breakers.DEFAULT.pendingRequests--;
          cluster.breakers.DEFAULT.requests++;
          host.joined.add(this.#options.onHostDown);
          this.#tls = tls;
          // A host that has said all may still be told something.
          socket.allowHalfOpen = true;
          info.upstreamLocalAddress = localAddress;
          const { startedAt: begunAt, connectedAt } = attempt;
          const securedAt = tls === undefined ? undefined : runtime.clock.monotonic();
          info.upstreamConnection = { id: nextConnectionId(), begunAt, connectedAt, securedAt };
          cluster.stats.connected(socket, tls);
          cluster.stats.rqTotal.value++;
          cluster.report(host, { localOrigin: 'served' });
          cluster.stats.connectTime(runtime.clock.monotonic() - info.startedAt);
          this.#options.onConnected(socket);
        },
        failed: (_attempt, reason, detail, handshake) => {
          info.brokenHandshake = handshake;
          this.#failed(cluster, host, reason, detail);
        },
      },
    );
    this.#attempt.start();
  }

  /** The connection itself is one of the cluster's pools for HTTP. */
  #askForTunnel(cluster: UpstreamCluster, choice: HostChoice, head: RequestHead): void {
    const { context, info, steps } = this.#options;
    const { host } = choice;
    this.#take(cluster, host);
    this.#pooled = true;
    const tunnel = new HttpTunnel(head, {
      opened: (bytes, stream) => {
        noteConnected(steps, cluster, { choice, priority: 'DEFAULT' }, stream);
        this.#tls = stream.tls;
        info.upstreamLocalAddress = stream.localAddress;
        cluster.report(host, { localOrigin: 'served' });
        this.#options.onConnected(bytes);
      },
      asked: () => {
        cluster.stats.rqTotal.value++;
        host.figures.rqTotal++;
        this.#countAtHost(host);
      },
      failed: (reason, detail) => this.#failedBefore(cluster, host, reason, detail),
    });
    this.#attempt = tunnel;
    const request = cluster.config.followsClient ? { ...head, client: context, connection: context.id } : head;
    tunnel.start(cluster.poolOf(host, 'DEFAULT'), request);
  }

  #failed(cluster: UpstreamCluster, host: Host, reason: ResetReason, detail: string): void {
    const timedOut = reason === 'connection_timeout';
    cluster.stats.count('upstream_cx_connect_fail');
    cluster.stats.count('upstream_rq_pending_failure_eject');
    host.figures.cxConnectFail++;
    if (timedOut) cluster.stats.count('upstream_cx_connect_timeout');
    const counter = handshakeCounter(detail);
    if (counter !== undefined) cluster.stats.count(counter);
    this.#failedBefore(cluster, host, reason, detail);
  }

  /** Another attempt, as long as one is left. */
  #failedBefore(cluster: UpstreamCluster, host: Host, reason: ResetReason, detail: string): void {
    const { info, steps } = this.#options;
    const timedOut = reason === 'connection_timeout';
    this.#attempt = undefined;
    info.transportFailure = detail;
    steps.add('attempt', 'stopped', host.key, () => ({ detail: `no connection${detail === '' ? '' : `: ${detail}`}` }));
    cluster.report(host, { localOrigin: timedOut ? 'timeout' : 'connect' });
    this.#leave(timedOut ? 'local' : 'remote');
    info.flag(RESET_WORDS[reason].flag);
    this.#anotherAttempt(cluster);
  }

  #anotherAttempt(cluster: UpstreamCluster): void {
    const { attemptWait, info, maxAttempts, runtime } = this.#options;
    if (info.attempts < maxAttempts) {
      if (attemptWait === undefined) this.start();
      else this.#wait = runtime.clock.after(drawWait(attemptWait, info.attempts, runtime), () => this.start());
      return;
    }
    cluster.stats.count('upstream_cx_connect_attempts_exceeded');
    this.#giveUp('URX', '');
  }

  #giveUp(flag: ResponseFlag, details: string): void {
    this.#options.info.flag(flag);
    this.#options.onFailed(details);
  }

  #take(cluster: UpstreamCluster, host: Host): void {
    const { info, runtime } = this.#options;
    this.#cluster = cluster;
    this.#host = host;
    this.#heldSince = runtime.clock.monotonic();
    if (info.upstreamHost !== '') info.hostsTriedBefore = [...info.hostsTriedBefore, info.upstreamHost];
    info.upstreamHost = host.key;
    info.attempts++;
    host.waiting++;
  }

  #countAtHost(host: Host): void {
    this.#isActive = true;
    host.waiting--;
    host.activeRequests++;
  }

  #enter(cluster: UpstreamCluster, host: Host): void {
    this.#take(cluster, host);
    host.figures.cxTotal++;
    cluster.breakers.DEFAULT.connections++;
    cluster.breakers.DEFAULT.pendingRequests++;
    cluster.stats.count('upstream_cx_total');
    cluster.stats.count('upstream_rq_pending_total');
  }

  #leave(by: 'local' | 'remote'): void {
    const cluster = this.#cluster;
    if (cluster === undefined || this.#host === undefined) return;
    this.#cluster = undefined;
    if (this.#isActive) this.#host.activeRequests--;
    else this.#host.waiting--;
    this.#isActive = false;
    if (this.#pooled) return;
    this.#host.joined.delete(this.#options.onHostDown);
    const { DEFAULT } = cluster.breakers;
    DEFAULT.connections--;
    if (this.#joined) DEFAULT.requests--;
    else DEFAULT.pendingRequests--;
    cluster.stats.count('upstream_cx_destroy');
    const lengthMs = this.#options.runtime.clock.monotonic() - this.#heldSince;
    cluster.stats.connectionEnded({ by, busy: this.#joined, lengthMs });
  }
}

/** Full jitter, as of retries. `attempts`: how many there were. */
function drawWait({ baseMs, maxMs }: AttemptWait, attempts: number, { chance }: ProxyRuntime): number {
  return chance.jitter.below(Math.max(1, Math.min(maxMs, baseMs * 2 ** (attempts - 1))));
}

function transportOf(runtime: ProxyRuntime, cluster: UpstreamCluster, host: Host) {
  const tls = cluster.transports.tlsFor(host);
  return tls === undefined ? undefined : runtime.transports.client(tls, 'tcp');
}
