import type { Socket } from 'node:net';
import type { DecisionStage, DecisionStep, HandshakeRecord, SocketAddress, TrafficDirection } from '#domain';
import type { HeaderField } from '../config/header-fields.ts';
import type { CompiledFilterChain } from '../config/listener-config.ts';
import { ConnectionSteps } from '../decisions/connection-steps.ts';
import type { StepNote } from '../decisions/hop-steps.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { HelloFingerprints } from '../tls/hello-fingerprints.ts';
import type { Inspection } from '../tls/index.ts';
import type { ServedListener } from './served-listener.ts';

/** What a connection counts as that no filter chain needs to look into. */
const NOT_INSPECTED: Inspection = {
  transport: 'raw_buffer',
  serverName: '',
  alpn: [],
  ciphers: [],
  versions: [],
  takesTickets: false,
  firstBytes: Buffer.alloc(0),
};

/** A client connection while its listener, filter chain and transport are being found. */
export class PendingConnection {
  readonly runtime: ProxyRuntime;
  readonly direction: TrafficDirection;
  /** Monotonic time at which it was accepted. */
  readonly beganAt: number;
  /** The other end of the socket. */
  readonly directAddress: SocketAddress;
  /** The client: the other end, or whom a load balancer names. */
  remoteAddress: SocketAddress;
  /** Of a load balancer's header, what hosts may be told. */
  headerFields: readonly HeaderField[] | undefined;
  /** Inspectors that have seen a load balancer's header, and nothing of what follows it. */
  blinded: { readonly tls: boolean; readonly http: boolean } | undefined;
  /** The listeners in force. */
  readonly listeners: ListenerLookup;
  /** Replaced by the TLS socket once TLS is terminated. */
  socket: Socket;
  localAddress: SocketAddress;
  /** The client dialled the proxy itself. */
  direct = false;
  listener: ServedListener | undefined;
  chain: CompiledFilterChain | undefined;
  inspection: Inspection = NOT_INSPECTED;
  fingerprints: HelloFingerprints | undefined;
  tls: TlsFacts | undefined;
  /** Monotonic times at which its handshake began and ended. */
  handshakeAt: number | undefined;
  securedAt: number | undefined;
  /** The handshake that ended the connection. */
  brokenHandshake: HandshakeRecord | undefined;
  readonly steps = new ConnectionSteps();

  constructor(options: {
    runtime: ProxyRuntime;
    direction: TrafficDirection;
    socket: Socket;
    listeners: ListenerLookup;
    localAddress: SocketAddress;
    listener?: ServedListener | undefined;
  }) {
    this.runtime = options.runtime;
    this.direction = options.direction;
    this.beganAt = options.runtime.clock.monotonic();
    this.socket = options.socket;
    this.listeners = options.listeners;
    this.localAddress = options.localAddress;
    this.listener = options.listener;
    this.directAddress = { ip: options.socket.remoteAddress ?? '', port: options.socket.remotePort ?? 0 };
    this.remoteAddress = this.directAddress;
  }

  note(stage: DecisionStage, outcome: DecisionStep['outcome'], name: string, note: () => StepNote): void {
    this.steps.add({ stage, outcome, name, note });
  }
}

/** Finds a listener in force by its xDS name. */
export type ListenerLookup = (name: string) => ServedListener | undefined;

/** stop: the connection is closed or handed over. */
export type ConnectionOutcome = 'next' | 'stop';
/** One step on a connection's way; a proxy's layers are a list that is read top to bottom. */
export type ConnectionLayer = (connection: PendingConnection) => ConnectionOutcome | Promise<ConnectionOutcome>;

/** Runs the layers in order. A layer that throws closes the connection and rejects. */
export async function runLayers(connection: PendingConnection, layers: readonly ConnectionLayer[]): Promise<void> {
  try {
    for (const layer of layers) {
      if ((await layer(connection)) === 'stop') return;
    }
  } catch (thrown) {
    connection.socket.destroy();
    throw thrown;
  }
}
