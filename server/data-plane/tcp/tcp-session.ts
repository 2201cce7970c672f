import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Timer } from '#domain';
import { istioLogFormat } from '../config/access-log/index.ts';
import type { TcpFilterConfig } from '../config/network-filter.ts';
import { HopSteps, type StepNote } from '../decisions/hop-steps.ts';
import type { FormatSubject } from '../format/subject.ts';
import { type ConnectionDenial, judgeConnection, tellDenial } from '../guards/judge.ts';
import { ByteMeter } from '../http/byte-meter.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import { closeLater, turnAway } from '../listener/turn-away.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { TcpStats } from '../stats/tcp-stats.ts';
import { resetSocket } from '../tls/index.ts';
import { xxHash64 } from '../upstream/hashing/xx-hash.ts';
import { chooseShare } from './choose-share.ts';
import { awaitFirstBytes } from './first-bytes.ts';
import { Introductions } from './introductions.ts';
import { PEER_EXCHANGE } from './peer-exchange.ts';
import { endsByReset, initFailure, newEnding } from './session-ending.ts';
import { type MeasuredSession, SessionMetrics } from './session-metrics.ts';
import { buildTcpHop } from './session-record.ts';
import { sessionSubject } from './session-subject.ts';
import { NO_CLUSTER, TcpUpstream } from './tcp-upstream.ts';
import { tunnelHead } from './tunnel-head.ts';

export interface SessionOptions {
  readonly runtime: ProxyRuntime;
  readonly config: TcpFilterConfig;
  readonly socket: Socket;
  readonly context: ConnectionContext;
  readonly stats: TcpStats;
  readonly onEnd: (session: TcpSession) => void;
}

/** Looks at a connection in the time that it may be idle: no byte costs anything, and silence is noticed so much too late at most. */
const IDLE_LOOKS = 8;

/** One connection of a client, and the one to a host that it is joined to. */
export class TcpSession {
  readonly #options: SessionOptions;
  readonly #info: StreamInfo;
  readonly #steps: HopSteps;
  #upstreamSide: TcpUpstream | undefined;
  #upstream: Duplex | undefined;
  readonly #ending = newEnding();
  /** The host has said all it had to say while the client could still speak: then it is this proxy that closes. */
  #hostEndedFirst = false;
  #idle: Timer | undefined;
  #lifetime: Timer | undefined;
  #nextEntry: Timer | undefined;
  /** Unlike those of a request, they stay out of formats: Envoy has none for connections. */
  #details = '';
  readonly #metrics = new SessionMetrics();
  readonly #introductions: Introductions;
  #peer: PeerWorkload | undefined;
  #lastBytes = -1;
  /** Monotonic time at which bytes were last found to have come or gone. */
  #busyAt = 0;
  #cancelVerdict: (() => void) | undefined;
  /** The side that hears of the other's reset by one of its own, as from Envoy. */
  #resets: Duplex | undefined;
  #over = false;
  /** A policy refused it. */
  #denied = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { clock } = options.runtime;
    const startedAt = clock.monotonic();
    this.#info = options.context.info ?? new StreamInfo(clock.now(), startedAt);
    this.#info.ending = this.#ending;
    this.#steps = options.runtime.sampler.next(startedAt)
      ? new HopSteps({ clock, startedAt, before: options.context.steps })
      : HopSteps.off;
    this.#introductions = new Introductions({ ...options, overhead: this.#metrics.overhead });
  }

  start(): void {
    const { socket } = this.#options;
    socket.pause();
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') {
        this.#resets = this.#upstream;
        endsByReset(this.#ending, 'client');
      }
      this.close();
    });
    socket.on('close', () => this.close());
    const { atStart, everyMs } = this.#options.config.logTimes;
    if (atStart) this.#logMeanwhile('TcpConnectionStart');
    if (everyMs > 0) this.#logAgain(everyMs);
    if (this.#options.config.connectsOnData) this.#awaitClient();
    else this.#begin();
    this.#watchDuration();
  }

  #begin(): void {
    this.#connect();
    if (!this.#over) this.#introductions.meetClient();
  }

  /** A client that says nothing is to cost no host a connection. */
  #awaitClient(): void {
    const { socket, stats } = this.#options;
    this.#watchIdle();
    awaitFirstBytes(socket, (isData) => {
      if (this.#over) return;
      if (isData) {
        this.#idle?.cancel();
        this.#begin();
      }
      if (!this.#over) stats.count('early_data_received_count_total');
    });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    const { socket } = this.#options;
    this.#idle?.cancel();
    this.#lifetime?.cancel();
    this.#nextEntry?.cancel();
    this.#cancelVerdict?.();
    this.#metrics.closed(this.#measured);
    this.#upstreamSide?.end(this.#upstream?.closed === true && !this.#hostEndedFirst ? 'remote' : 'local');
    this.#measure();
    for (const side of [socket, this.#upstream]) {
      if (side === this.#resets && side instanceof Socket && !side.destroyed) resetSocket(side);
      else side?.destroy();
    }
    this.#record();
    this.#options.context.onEnd?.(undefined);
    this.#options.onEnd(this);
  }

  #closeBecause(reason: string): void {
    this.#info.closes(reason, reason);
    this.close();
  }

  /** As in Envoy, bytes of TLS are not among them, and what went on to the host is what came. */
  #measure(): void {
    const { runtime, socket } = this.#options;
    const { overhead } = this.#metrics;
    // What nobody was there to read was not received.
    const isRead = this.#upstream !== undefined || this.#options.config.connectsOnData;
    const bytesReceived = isRead ? Math.max(0, socket.bytesRead - overhead.read) : 0;
    const bytesSent = Math.max(0, socket.bytesWritten - overhead.written);
    this.#info.bytesReceived = bytesReceived;
    this.#info.bytesSent = bytesSent;
    this.#info.durationMs = runtime.clock.monotonic() - this.#info.startedAt;
    const [down, up] = [new ByteMeter(), new ByteMeter()];
    down.wireReceived = bytesReceived;
    down.wireSent = bytesSent;
    if (this.#upstream !== undefined) {
      up.wireSent = bytesReceived;
      up.wireReceived = bytesSent;
    }
    this.#info.downstreamBytes = down;
    this.#info.upstreamBytes = up;
  }

  #connect(): void {
    const { config, context, runtime, stats } = this.#options;
    const share = chooseShare({ config, context, runtime, steps: this.#steps });
    this.#info.cluster = share.cluster;
    this.#upstreamSide = new TcpUpstream({
      runtime,
      context,
      cluster: this.#info.cluster,
      maxAttempts: config.maxConnectAttempts,
      attemptWait: config.attemptWait,
      hash: () => (config.hashesSource ? xxHash64(context.remoteAddress.ip) : undefined),
      criteria: () => share.criteria,
      tunnel: config.tunnel && (() => tunnelHead(config.tunnel!, this.#subject)),
      steps: this.#steps,
      info: this.#info,
      onConnected: (socket) => this.#join(socket),
      onHostDown: () => this.close(),
      onFailed: (details) => {
        if (details === NO_CLUSTER) stats.count('downstream_cx_no_route');
        this.#details = details;
        this.#info.closes(initFailure(details));
        if (!config.readsEarly) turnAway(this.#options.socket);
        this.close();
      },
    });
    this.#upstreamSide.start();
  }

  get #measured(): MeasuredSession {
    const { config, context, runtime, socket } = this.#options;
    return {
      runtime,
      context,
      plans: config.stats,
      socket,
      subject: this.#subject,
      cluster: this.#upstreamSide?.cluster,
      host: this.#upstreamSide?.host,
      upstreamTls: this.#upstreamSide?.tls,
    };
  }

  get #subject(): FormatSubject {
    const { context, runtime } = this.#options;
    return sessionSubject({ runtime, context, info: this.#info, upstream: this.#upstreamSide, peer: this.#peer });
  }

  #join(upstream: Duplex): void {
    const { socket } = this.#options;
    // Nothing has been passed on by then.
    if (this.#options.config.logTimes.onceOpen) this.#logMeanwhile('TcpUpstreamConnected');
    this.#upstream = upstream;
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') {
        this.#info.flag('UR');
        this.#resets = socket;
        endsByReset(this.#ending, 'host');
      }
      this.close();
    });
    upstream.on('close', () => this.#upstreamClosed());
    upstream.once('end', () => {
      this.#hostEndedFirst = !socket.readableEnded;
    });
    // pipe() keeps back-pressure both ways and passes the end of either side on.
    const outbound = this.#options.context.direction === 'outbound';
    this.#introductions.whenClientMet((client) => {
      if (!outbound) this.#opened(client.peer);
      if (client.ended !== undefined) upstream.end(client.ended);
      else if (this.#options.config.guards.length === 0) socket.pipe(upstream);
      else this.#guard(upstream);
    });
    const { cluster, tls } = this.#upstreamSide ?? {};
    const exchanges = cluster?.config.exchangesPeers === true && tls?.alpn === PEER_EXCHANGE;
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
  #guard(upstream: Duplex): void {
    const { config, context, runtime, socket } = this.#options;
    socket.once('data', (first: Buffer) => {
      socket.pause();
      this.#cancelVerdict = judgeConnection(
        config.guards,
        { runtime, context, onShadow: this.#noteShadow },
        (denial) => {
          if (this.#over) return;
          if (denial !== undefined) {
            this.#refuse(denial);
            return;
          }
          upstream.write(first);
          socket.pipe(upstream);
        },
      );
    });
    socket.once('end', () => upstream.end());
    socket.resume();
  }

  readonly #noteShadow = (filter: string, note: StepNote): void => {
    this.#steps.add('filter_chain', 'passed', filter, () => note);
  };

  #refuse(denial: ConnectionDenial): void {
    const { runtime } = this.#options;
    tellDenial(this.#info, denial);
    this.#denied = true;
    this.#steps.add('filter_chain', 'stopped', denial.filter, () => denial.note);
    this.#info.closes('', this.#ending.downstreamReason);
    closeLater(runtime.clock, this.#options.socket, { delayMs: denial.delayMs, close: () => this.close() });
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
    const { clock } = runtime;
    this.#idle = clock.after(config.idleTimeoutMs / IDLE_LOOKS, () => {
      const bytes = socket.bytesRead + socket.bytesWritten;
      const now = clock.monotonic();
      if (bytes !== this.#lastBytes) {
        this.#lastBytes = bytes;
        this.#busyAt = now;
      } else if (now - this.#busyAt >= config.idleTimeoutMs) {
        this.#options.stats.count('idle_timeout');
        return this.#closeBecause('tcp_session_idle_timeout');
      }
      this.#watchIdle();
    });
  }

  #watchDuration(): void {
    const { config, runtime, stats } = this.#options;
    if (config.maxDurationMs === 0 || this.#over) return;
    // In hundredths of a percent, as finely as Envoy draws it.
    const more =
      config.maxDurationJitter > 0 ? runtime.chance.jitter.below(config.maxDurationJitter * 100) / 10_000 : 0;
    this.#lifetime = runtime.clock.after(config.maxDurationMs * (1 + more), () => {
      stats.count('max_downstream_connection_duration');
      this.#info.flag('DT');
      this.#closeBecause('max_connection_duration_reached');
    });
  }

  #logMeanwhile(type: string): void {
    this.#measure();
    this.#info.logType = type;
    this.#log();
    this.#info.logType = '';
  }

  #logAgain(everyMs: number): void {
    this.#nextEntry = this.#options.runtime.clock.after(everyMs, () => {
      this.#logMeanwhile('TcpPeriodic');
      this.#logAgain(everyMs);
    });
  }

  /** The first line of those that were written. */
  #log(): string | undefined {
    const { config, runtime } = this.#options;
    const subject = this.#subject;
    let first: string | undefined;
    for (const write of config.accessLogs) {
      const entry = write(subject);
      if (entry === undefined) continue;
      first ??= String(entry);
      runtime.onEntry(entry);
    }
    return first;
  }

  #record(): void {
    const { context, runtime } = this.#options;
    const first = this.#log();
    const { bytesReceived, bytesSent, flags } = this.#info;
    const isWell = flags.length === 0 && !this.#denied;
    this.#steps.add('response', isWell ? 'passed' : 'stopped', flags.join(',') || 'closed', () => ({
      detail: `the connection ended after ${bytesReceived} bytes in and ${bytesSent} bytes out`,
      evidence: { bytesReceived, bytesSent, flags: flags.join(',') },
    }));
    const accessLog = first ?? istioLogFormat(this.#subject);
    const upstreamTls = this.#upstreamSide?.tls;
    runtime.onHop(
      buildTcpHop({
        runtime,
        context,
        info: this.#info,
        details: this.#details || (this.#denied ? this.#info.details || this.#info.connectionTerminationDetails : ''),
        steps: this.#steps,
        upstreamTls,
        accessLog,
      }),
    );
  }
}
