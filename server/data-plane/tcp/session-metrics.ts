import type { Socket } from 'node:net';
import type { StatsPlan } from '../config/stats-plan.ts';
import type { FormatSubject } from '../format/subject.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { destinationService } from '../stats/destination-service.ts';
import { readEndpointWorkload } from '../stats/endpoint-workload.ts';
import type { ConnectionFacts } from '../stats/istio-labels.ts';
import type { CounterSeries, TcpSeries } from '../stats/istio-metrics.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import type { Host } from '../upstream/host.ts';

/** A connection that is counted, as far as it has come. */
export interface MeasuredSession {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly plans: readonly StatsPlan[];
  /** The client's connection. */
  readonly socket: Socket;
  readonly subject: FormatSubject;
  readonly cluster: UpstreamCluster | undefined;
  readonly host: Host | undefined;
  readonly upstreamTls: TlsFacts | undefined;
}

/** Bytes of the client's connection that belong to the proxies. */
export interface Overhead {
  read: number;
  written: number;
}

/**
 * Counts one connection in Istio's TCP metrics: as opened when both sides are known, at the latest when it ends; its bytes also while it is
 * open. Source: reportHelper of the filter istio_stats, Envoy's contrib.
 */
export class SessionMetrics {
  readonly overhead: Overhead = { read: 0, written: 0 };
  readonly #counted = { read: 0, written: 0 };
  #series: readonly TcpSeries[] | undefined;
  #socket: Socket | undefined;
  #leave: (() => void) | undefined;

  /** The other side has introduced itself, or will not. */
  opened(session: MeasuredSession, introduced: PeerWorkload | undefined): void {
    if (this.#series !== undefined) return;
    const { runtime, plans, subject } = session;
    const facts = factsOf(session, introduced);
    this.#series = plans.map((plan) => runtime.metrics.tcpSeries(facts, plan, subject));
    this.#socket = session.socket;
    this.#leave = runtime.metrics.whileOpen(() => this.#countBytes());
    this.#count(({ opened }) => opened, 1);
  }

  closed(session: MeasuredSession): void {
    this.opened(session, undefined);
    this.#countBytes();
    this.#leave?.();
    this.#count(({ closed }) => closed, 1);
  }

  #countBytes(): void {
    const { bytesRead = 0, bytesWritten = 0 } = this.#socket ?? {};
    const read = Math.max(0, bytesRead - this.overhead.read);
    const written = Math.max(0, bytesWritten - this.overhead.written);
    this.#count(({ receivedBytes }) => receivedBytes, read - this.#counted.read);
    this.#count(({ sentBytes }) => sentBytes, written - this.#counted.written);
    this.#counted.read = read;
    this.#counted.written = written;
  }

  #count(choose: (series: TcpSeries) => CounterSeries | undefined, amount: number): void {
    for (const series of this.#series ?? []) {
      const counter = choose(series);
      if (counter !== undefined) counter.value += amount;
    }
  }
}

function factsOf(session: MeasuredSession, introduced: PeerWorkload | undefined): ConnectionFacts {
  const { runtime, context, cluster, host, subject } = session;
  const outbound = context.direction === 'outbound';
  const peerPrincipal = (outbound ? session.upstreamTls : context.tls)?.peerSpiffeId ?? '';
  const told = outbound && host !== undefined ? readEndpointWorkload(host.endpoint.workload) : undefined;
  return {
    reporter: outbound ? 'source' : 'destination',
    own: runtime.self,
    ownPrincipal: peerPrincipal === '' ? '' : runtime.self.spiffeId,
    peer: introduced ?? told,
    peerPrincipal,
    service: destinationService({ routeName: '', cluster, host: '' }),
    flags: subject.info.flags.join(','),
  };
}
