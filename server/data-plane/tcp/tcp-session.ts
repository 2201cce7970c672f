import type { Socket } from 'node:net';
import type { Timer } from '#domain';
import { istioLogFormat } from '../config/access-log/index.ts';
import type { TcpFilterConfig } from '../config/network-filter.ts';
import { partOrigin } from '../config/origins.ts';
import { HopSteps } from '../decisions/hop-steps.ts';
import { recordDenial } from '../decisions/refusal-record.ts';
import { type FormatSubject, NO_REQUEST } from '../format/subject.ts';
import type { TlsFacts } from '../http/codec.ts';
import { formatEndpoint } from '../http/h1/socket-address.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import { noteCluster, noteConnected, noteEndpoint, noteNoHost } from '../http/router/call-steps.ts';
import { RESET_WORDS } from '../http/router/reset-reasons.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { TcpStats } from '../stats/tcp-stats.ts';
import { handshakeCounter } from '../tls/index.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import { connectTo } from '../upstream/connect.ts';
import { xxHash64 } from '../upstream/hashing/xx-hash.ts';
import type { Host } from '../upstream/host.ts';
import { ConnectAttempt } from '../upstream/pool-connecting.ts';
import { type ConnectionDenial, judgeConnection } from './guards.ts';
import { Introductions } from './introductions.ts';
import { PEER_EXCHANGE } from './peer-exchange.ts';
import { type MeasuredSession, SessionMetrics } from './session-metrics.ts';
import { buildTcpHop } from './session-record.ts';

const NONE_TRIED: ReadonlySet<string> = new Set();

export interface SessionOptions {
  readonly runtime: ProxyRuntime;
  readonly config: TcpFilterConfig;
  readonly socket: Socket;
  readonly context: ConnectionContext;
  readonly stats: TcpStats;
  readonly onEnd: (session: TcpSession) => void;
}

/** One connection of a client, and the one to a host that it is joined to. */
export class TcpSession {
  readonly #options: SessionOptions;
  readonly #info: StreamInfo;
  readonly #steps: HopSteps;
  #upstreamTls: TlsFacts | undefined;
  #upstream: Socket | undefined;
  #cluster: UpstreamCluster | undefined;
  #host: Host | undefined;
  #attempt: ConnectAttempt | undefined;
  #idle: Timer | undefined;
  #lifetime: Timer | undefined;
  #details = '';
  readonly #metrics = new SessionMetrics();
  readonly #introductions: Introductions;
  #peer: PeerWorkload | undefined;
  #lastBytes = -1;
  #cancelVerdict: (() => void) | undefined;
  #over = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { clock } = options.runtime;
    const startedAt = clock.monotonic();
    this.#info = new StreamInfo(clock.now(), startedAt);
    this.#steps = options.runtime.sampler.next(startedAt)
      ? new HopSteps({ clock, startedAt, before: options.context.steps })
      : HopSteps.off;
    this.#introductions = new Introductions({ ...options, overhead: this.#metrics.overhead });
  }

  start(): void {
    const { socket } = this.#options;
    socket.pause();
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    this.#connect();
    if (!this.#over) this.#introductions.meetClient();
    this.#watchDuration();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    const { clock } = this.#options.runtime;
    this.#idle?.cancel();
    this.#lifetime?.cancel();
    this.#attempt?.abandon();
    this.#cancelVerdict?.();
    this.#metrics.closed(this.#measured);
    this.#leaveCluster();
    const { overhead } = this.#metrics;
    this.#info.bytesReceived = Math.max(0, this.#options.socket.bytesRead - overhead.read);
    this.#info.bytesSent = Math.max(0, this.#options.socket.bytesWritten - overhead.written);
    this.#info.durationMs = clock.monotonic() - this.#info.startedAt;
    this.#options.socket.destroy();
    this.#upstream?.destroy();
    this.#record();
    this.#options.context.onEnd?.();
    this.#options.onEnd(this);
  }

  #connect(): void {
    const { runtime, context } = this.#options;
    const name = this.#drawCluster();
    this.#info.cluster = name;
    const cluster = runtime.clusters.get(name);
    if (cluster === undefined) {
      this.#steps.add('cluster', 'stopped', name, () => ({ detail: 'the proxy has no cluster of this name' }));
      this.#fail('NC', 'cluster_not_found');
      return;
    }
    noteCluster(this.#steps, cluster);
    const originalDestination = context.localAddress;
    const choice = cluster.pick({ originalDestination, avoid: NONE_TRIED, redraws: 1, hash: () => this.#hash() });
    if (choice === undefined) {
      noteNoHost(this.#steps, cluster);
      cluster.stats.noHealthy.value++;
      this.#fail('UH', 'no_healthy_upstream');
      return;
    }
    if (this.#steps.on) noteEndpoint(this.#steps, cluster, choice, NONE_TRIED);
    const { connections, limits } = cluster.breakers.DEFAULT;
    if (connections >= limits.maxConnections) {
      this.#steps.add('pool', 'stopped', choice.host.key, () => ({
        detail: `all ${limits.maxConnections} connections that the circuit breaker allows are open`,
        origin: partOrigin(cluster.config.origins, 'circuit_breakers'),
        evidence: { connections: limits.maxConnections },
      }));
      cluster.stats.count('upstream_cx_overflow');
      this.#fail('UO', 'upstream_reset_before_response_started{overflow}');
      return;
    }
    this.#enterCluster(cluster, choice.host);
    // A TLS socket around it may not tell the addresses.
    let dialled: Socket | undefined;
    this.#attempt = new ConnectAttempt(
      {
        connect: () => {
          dialled = connectTo(runtime.network, cluster, choice.host.address)();
          return dialled;
        },
        transport: transportOf(runtime, cluster, choice.host),
        timeoutMs: cluster.config.connectTimeoutMs,
        clock: runtime.clock,
      },
      {
        connected: (_attempt, { socket, tls }) => {
          const localAddress = formatEndpoint(dialled?.localAddress, dialled?.localPort);
          noteConnected(this.#steps, cluster, { choice, priority: 'DEFAULT' }, { reused: false, localAddress, tls });
          cluster.stats.connected(socket, tls);
          cluster.report(choice.host, { localOrigin: 'served' });
          cluster.stats.connectTime(runtime.clock.monotonic() - this.#info.startedAt);
          this.#upstreamTls = tls;
          this.#info.upstreamLocalAddress = localAddress;
          this.#join(socket);
        },
        failed: (_attempt, reason, detail, handshake) => {
          this.#info.transportFailure = detail;
          this.#info.brokenHandshake = handshake;
          this.#steps.add('attempt', 'stopped', choice.host.key, () => ({
            detail: `no connection${detail === '' ? '' : `: ${detail}`}`,
          }));
          cluster.stats.count('upstream_cx_connect_fail');
          choice.host.figures.cxConnectFail++;
          if (reason === 'connection_timeout') cluster.stats.count('upstream_cx_connect_timeout');
          const counter = handshakeCounter(detail);
          if (counter !== undefined) cluster.stats.count(counter);
          cluster.report(choice.host, { localOrigin: reason === 'connection_timeout' ? 'timeout' : 'connect' });
          this.#info.flag(RESET_WORDS[reason].flag);
          this.#fail('URX', '');
        },
      },
    );
    this.#attempt.start();
  }

  #hash(): bigint | undefined {
    const { config, context } = this.#options;
    return config.hashesSource ? xxHash64(context.remoteAddress.ip) : undefined;
  }

  #drawCluster(): string {
    const { config, runtime } = this.#options;
    const { shares, totalWeight } = config;
    if (shares.length === 1) return shares[0]!.cluster;
    const draw = runtime.chance.weights.below(totalWeight);
    let from = 0;
    for (const share of shares) {
      const [begin, to] = [from, from + share.weight];
      from = to;
      if (draw >= to) continue;
      this.#steps.add('weight', 'chosen', share.cluster, () => ({
        detail: `drew ${draw} of ${totalWeight}`,
        evidence: { draw, total: totalWeight, from: begin, to, weight: share.weight },
      }));
      return share.cluster;
    }
    return shares[0]!.cluster;
  }

  get #measured(): MeasuredSession {
    const { config, context, runtime, socket } = this.#options;
    return {
      runtime,
      context,
      plans: config.stats,
      socket,
      subject: this.#subject,
      cluster: this.#cluster,
      host: this.#host,
      upstreamTls: this.#upstreamTls,
    };
  }

  get #subject(): FormatSubject {
    const { context, runtime } = this.#options;
    const proxy = runtime.self;
    const peer = this.#peer;
    return { head: NO_REQUEST, responseHead: undefined, info: this.#info, connection: context, proxy, peer };
  }

  #join(upstream: Socket): void {
    const { socket } = this.#options;
    this.#attempt = undefined;
    this.#upstream = upstream;
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') this.#info.flag('UR');
      this.close();
    });
    upstream.on('close', () => this.#upstreamClosed());
    // pipe() keeps back-pressure both ways and passes the end of either side on.
    const outbound = this.#options.context.direction === 'outbound';
    this.#introductions.whenClientMet((client) => {
      if (!outbound) this.#opened(client.peer);
      if (client.ended !== undefined) upstream.end(client.ended);
      else if (this.#options.config.guards.length === 0) socket.pipe(upstream);
      else this.#guard(upstream);
    });
    const exchanges = this.#cluster?.config.exchangesPeers === true && this.#upstreamTls?.alpn === PEER_EXCHANGE;
    this.#introductions.meetServer(upstream, exchanges, (server) => {
      if (outbound) this.#opened(server.peer);
      this.#introductions.beforeFirstOf(upstream);
      if (server.ended === undefined) upstream.pipe(socket);
      else socket.end(server.ended);
    });
    this.#watchIdle();
  }

  /** Who is on the other side is known as well as it ever will be. */
  #opened(peer: PeerWorkload | undefined): void {
    this.#peer = peer;
    this.#metrics.opened(this.#measured, peer);
  }

  /** As in Envoy, whoever speaks first is judged when it speaks: a server that greets is heard before that. */
  #guard(upstream: Socket): void {
    const { config, context, runtime, socket } = this.#options;
    socket.once('data', (first: Buffer) => {
      socket.pause();
      this.#cancelVerdict = judgeConnection(config.guards, { runtime, context }, (denial) => {
        if (this.#over) return;
        if (denial !== undefined) {
          this.#refuse(denial);
          return;
        }
        upstream.write(first);
        socket.pipe(upstream);
      });
    });
    socket.once('end', () => upstream.end());
    socket.resume();
  }

  #refuse(denial: ConnectionDenial): void {
    const { context, runtime } = this.#options;
    if (denial.flag !== undefined) this.#info.flag(denial.flag);
    this.#info.connectionTerminationDetails = denial.details;
    recordDenial({ runtime, context, info: this.#info, denial });
    this.close();
  }

  /** The last bytes of the upstream may still wait for the client. */
  #upstreamClosed(): void {
    const { socket } = this.#options;
    if (socket.writableLength === 0) {
      this.close();
      return;
    }
    socket.end();
  }

  #watchIdle(): void {
    const { config, runtime, socket } = this.#options;
    if (config.idleTimeoutMs === 0) return;
    this.#idle = runtime.clock.after(config.idleTimeoutMs, () => {
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (bytes === this.#lastBytes) {
        this.#options.stats.count('idle_timeout');
        return this.close();
      }
      this.#lastBytes = bytes;
      this.#watchIdle();
    });
  }

  #watchDuration(): void {
    const { config, runtime, stats } = this.#options;
    if (config.maxDurationMs === 0 || this.#over) return;
    this.#lifetime = runtime.clock.after(config.maxDurationMs, () => {
      stats.count('max_downstream_connection_duration');
      this.#info.flag('DT');
      this.close();
    });
  }

  #enterCluster(cluster: UpstreamCluster, host: Host): void {
    this.#cluster = cluster;
    this.#host = host;
    this.#info.upstreamHost = host.key;
    this.#info.attempts = 1;
    host.activeRequests++;
    cluster.breakers.DEFAULT.connections++;
    cluster.stats.count('upstream_cx_total');
    host.figures.cxTotal++;
  }

  #leaveCluster(): void {
    if (this.#cluster === undefined || this.#host === undefined) return;
    this.#cluster.breakers.DEFAULT.connections--;
    this.#host.activeRequests--;
    this.#cluster = undefined;
  }

  /** Unlike those of a request, `details` stay out of formats: Envoy has none for connections. */
  #fail(flag: Parameters<StreamInfo['flag']>[0], details: string): void {
    this.#info.flag(flag);
    this.#details = details;
    this.close();
  }

  #record(): void {
    const { config, context, runtime } = this.#options;
    const subject = this.#subject;
    let first: string | undefined;
    for (const write of config.accessLogs) {
      const line = write(subject);
      if (line === undefined) continue;
      first ??= line;
      runtime.onLog(line);
    }
    const { bytesReceived, bytesSent, flags } = this.#info;
    this.#steps.add('response', flags.length === 0 ? 'passed' : 'stopped', flags.join(',') || 'closed', () => ({
      detail: `the connection ended after ${bytesReceived} bytes in and ${bytesSent} bytes out`,
      evidence: { bytesReceived, bytesSent, flags: flags.join(',') },
    }));
    const accessLog = first ?? istioLogFormat(subject);
    const upstreamTls = this.#upstreamTls;
    runtime.onHop(
      buildTcpHop({
        runtime,
        context,
        info: this.#info,
        details: this.#details,
        steps: this.#steps,
        upstreamTls,
        accessLog,
      }),
    );
  }
}

function transportOf(runtime: ProxyRuntime, cluster: UpstreamCluster, host: Host) {
  const tls = cluster.tlsFor(host);
  return tls === undefined ? undefined : runtime.transports.client(tls, 'tcp');
}
