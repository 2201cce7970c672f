import type { Socket } from 'node:net';
import { formatAddress, type HandshakeRecord } from '#domain';
import type { CompiledListener } from '../config/listener-config.ts';
import { originOf } from '../config/origins.ts';
import { nextConnectionId } from '../connection-ids.ts';
import { recordRefusal } from '../decisions/refusal-record.ts';
import { fingerprintsOf } from '../tls/hello-fingerprints.ts';
import {
  describeHandshakeError,
  HANDSHAKE_TIMEOUT,
  handshakeCounter,
  inspect,
  SECRET_NOT_SUPPLIED,
} from '../tls/index.ts';
import { ConnectionLog } from './connection-log.ts';
import { type ChainChoice, chooseChain } from './filter-chain-match.ts';
import type { ConnectionLayer, ConnectionOutcome, PendingConnection } from './pending-connection.ts';
import { turnAway } from './turn-away.ts';

const TOO_LARGE = { hello: 'tls_inspector.client_hello_too_large', line: 'http_inspector.read_error' } as const;

/** Looks at the first bytes for SNI, ALPN or HTTP, where a chain for this port can depend on them. */
export const inspectFirstBytes: ConnectionLayer = async (connection) => {
  const config = connection.listener?.config;
  const { port } = connection.localAddress;
  const { blinded } = connection;
  const detectTls = config?.inspectTls(port) === true && blinded?.tls !== true;
  const detectHttp = config?.inspectHttp(port) === true && blinded?.http !== true;
  if (config === undefined || !(detectTls || detectHttp)) return 'next';
  const done = connection.listener?.stats.inspected();
  let timedOut = false;
  let tooLarge = false;
  const seen = await inspect(connection.socket, {
    clock: connection.runtime.clock,
    detectTls,
    detectHttp,
    timeoutMs: config.inspectTimeoutMs,
    onTimeout: () => {
      timedOut = true;
      connection.listener?.stats.count('downstream_pre_cx_timeout');
      return config.continuesUninspected;
    },
    onTooLarge: (what) => {
      tooLarge = true;
      connection.runtime.stats.stat(TOO_LARGE[what]).value++;
    },
    onlyLooks: true,
  });
  done?.();
  if (seen === undefined) {
    if (!timedOut && !tooLarge) connection.listener?.stats.count('downstream_listener_filter_remote_close');
    return endUnchosen(connection, timedOut);
  }
  connection.inspection = seen;
  const wanted = config.fingerprints;
  if (wanted !== undefined && seen.transport === 'tls')
    connection.fingerprints = fingerprintsOf(seen.firstBytes, wanted);
  // Inspectors that were cut off have found nothing, not even its absence.
  if (timedOut) return 'next';
  connection.listener?.stats.seen(seen, { forTls: detectTls, forHttp: detectHttp });
  return 'next';
};

/** The connection ends before a filter chain is chosen: in time with its client, or because it said nothing. */
function endUnchosen(connection: PendingConnection, timedOut: boolean): ConnectionOutcome {
  if (timedOut) {
    const { inspectTimeoutMs = 0, name = '' } = connection.listener?.config ?? {};
    connection.note('listener', 'stopped', name, () => ({
      detail: `the client did not say within ${inspectTimeoutMs} ms what it speaks, so the connection is closed`,
    }));
    recordRefusal(connection, { details: 'listener_filter_timeout' });
  } else ConnectionLog.of(connection)?.write(undefined);
  return 'stop';
}

/** Sieves the listener's filter chains. A connection that fits none is reset, and the client learns nothing more. */
export const chooseFilterChain: ConnectionLayer = (connection) => {
  const config = connection.listener?.config;
  if (config === undefined) return refuse(connection);
  const { inspection, localAddress } = connection;
  // What notes name is kept with the connection's requests: never the bytes that were looked at.
  const { transport } = inspection;
  const subject = {
    destination: localAddress,
    source: connection.remoteAddress,
    directSource: connection.directAddress,
    inspection,
  };
  const { chain, rejected } =
    config.chainMatcher === undefined
      ? chooseChain(config.chains, config.defaultChain, subject)
      : chooseNamed(config, config.chainMatcher(subject));
  const losers = () =>
    rejected.slice(0, 30).map(({ chain: loser, reason }) => {
      const origin = originOf(loser.origins);
      return { name: loser.name || 'filter chain', reason, ...(origin !== undefined && { origin }) };
    });
  const evidence = {
    destination: formatAddress(localAddress),
    transport,
    alpn: inspection.alpn.join(','),
    serverName: inspection.serverName,
  };
  if (chain === undefined) {
    connection.note('filter_chain', 'stopped', config.name, () => ({
      detail: 'no filter chain of this listener fits the connection, so it is closed',
      origin: originOf(rejected.find(({ chain: loser }) => loser.origins !== undefined)?.chain.origins),
      rejected: losers(),
      evidence,
    }));
    return refuse(connection);
  }
  connection.chain = chain;
  connection.note('filter_chain', 'chosen', chain.name || 'default', () => ({
    detail: transport === 'tls' ? 'fits by its port, TLS and ALPN' : 'fits by its port and plaintext',
    origin: originOf(chain.origins),
    rejected: losers(),
    evidence,
  }));
  return 'next';
};

/** The chain that a listener's matcher names; where it names none, the default chain. */
function chooseNamed({ chains, defaultChain }: CompiledListener, name: string | undefined): ChainChoice {
  const chain = name === undefined ? defaultChain : chains.find((each) => each.name === name);
  const reason = `the listener's matcher names ${name ?? 'no chain'}`;
  return { chain, rejected: chains.filter((each) => each !== chain).map((loser) => ({ chain: loser, reason })) };
}

/** How long a client may be silent before its ClientHello, and then until the end of the handshake, where the chain does not say. */
const HELLO_MS = 10_000;
const HANDSHAKE_MS = 15_000;

const LATE_HANDSHAKE = 'downstream_cx_transport_socket_connect_timeout';

/** Ends TLS where the chain says so. A client whose certificate does not verify is cut off here. */
export const terminateTls: ConnectionLayer = async (connection) => {
  const { chain, runtime, socket, inspection } = connection;
  if (chain?.tls === undefined) return 'next';
  // Without an inspector the chain did not depend on it, but certificate and protocol do.
  const { clock } = runtime;
  const { handshakeMs } = chain;
  const beganAt = clock.monotonic();
  const limits = { clock, detectHttp: false, timeoutMs: handshakeMs || HELLO_MS };
  let late = false;
  const onTimeout = (): boolean => {
    late = true;
    return false;
  };
  const hello = inspection.transport === 'tls' ? inspection : await inspect(socket, { ...limits, onTimeout });
  if (hello === undefined) {
    if (late) connection.listener?.stats.count(LATE_HANDSHAKE);
    const { errored } = socket;
    countUnsecured(connection, socket, late ? HANDSHAKE_TIMEOUT : errored ? describeHandshakeError(errored) : '');
    return 'stop';
  }
  const timeoutMs = handshakeMs === 0 ? HANDSHAKE_MS : Math.max(1, beganAt + handshakeMs - clock.monotonic());
  const transport = runtime.transports.server(chain.tls, { carriage: chain.filter.kind === 'http', timeoutMs });
  return new Promise((resolve) => {
    const waiter = {
      secured: ({
        socket: secured,
        tls,
      }: Parameters<Parameters<typeof transport.handshake>[1]['secured']>[0]): void => {
        connection.socket = secured;
        connection.tls = tls;
        connection.securedAt = runtime.clock.monotonic();
        connection.listener?.stats.handshake(tls);
        noteTls(connection);
        resolve('next');
      },
      failed: (reason: string, handshake?: HandshakeRecord): void => {
        connection.brokenHandshake = handshake;
        const counter = handshakeCounter(reason, 'server');
        if (counter !== undefined) connection.listener?.stats.count(counter);
        if (reason === HANDSHAKE_TIMEOUT) connection.listener?.stats.count(LATE_HANDSHAKE);
        connection.note('tls_server', 'stopped', connection.chain?.name ?? '', () => ({
          detail: `the TLS handshake failed: ${reason || 'the client broke it off'}`,
          origin: originOf(connection.chain?.origins),
        }));
        recordRefusal(connection);
        countUnsecured(connection, socket, reason);
        resolve('stop');
      },
    };
    connection.handshakeAt = clock.monotonic();
    transport.handshake(socket, waiter, hello);
  });
};

/** As in Envoy, a connection whose handshake fails is one of its chain, too. */
function countUnsecured(connection: PendingConnection, socket: Socket, reason: string): void {
  const { listener, chain, runtime } = connection;
  if (listener === undefined || chain === undefined) return;
  listener.stats.connectionBegan(() => runtime.clock.monotonic())();
  listener.handlerOf(chain).turnedAway(socket, { secured: reason !== SECRET_NOT_SUPPLIED });
  const log = ConnectionLog.of(connection);
  if (log === undefined) return;
  log.info.downstreamTransportFailure = reason;
  log.write(undefined);
}

function noteTls(connection: PendingConnection): void {
  const { tls, chain } = connection;
  if (tls === undefined) return;
  connection.note('tls_server', 'applied', tls.peerSpiffeId || 'TLS', () => ({
    detail:
      tls.peerSpiffeId === ''
        ? `${tls.version}: the client showed no certificate`
        : `${tls.version}: the client proved to be ${tls.peerSpiffeId}`,
    origin: originOf(chain?.origins),
    evidence: { tlsVersion: tls.version, alpn: tls.alpn, sni: tls.sni, peer: tls.peerSpiffeId, cipher: tls.cipher },
  }));
}

/** Hands the connection to the chain's network filter: HTTP or TCP. */
export const runNetworkFilter: ConnectionLayer = (connection) => {
  const { listener, chain, runtime, socket } = connection;
  if (listener === undefined || chain === undefined) return refuse(connection);
  if (chain.lacksFilter) return refuseUnfiltered(connection);
  // Plain bytes may flow one way after the other has ended; a connection of requests ends as a whole, as in Envoy.
  socket.allowHalfOpen = chain.filter.kind !== 'http';
  const log = ConnectionLog.of(connection);
  const ended = listener.stats.connectionBegan(() => runtime.clock.monotonic());
  listener.handlerOf(chain).serve(socket, {
    id: nextConnectionId(),
    beganAt: connection.beganAt,
    handshakeAt: connection.handshakeAt,
    securedAt: connection.securedAt,
    direction: connection.direction,
    listener: listener.config,
    chain,
    remoteAddress: connection.remoteAddress,
    ...(connection.remoteAddress !== connection.directAddress && { directAddress: connection.directAddress }),
    headerFields: connection.headerFields,
    localAddress: connection.localAddress,
    direct: connection.direct,
    requestedServerName: connection.tls?.sni ?? connection.inspection.serverName,
    tls: connection.tls,
    fingerprints: connection.fingerprints,
    steps: connection.steps,
    ...(log !== undefined && { info: log.info }),
    onEnd: (protocol) => {
      ended();
      log?.write(protocol);
    },
  });
  return 'stop';
};

/** Resets the connection: one of its filters got no configuration, so nobody knows whether it may pass. */
function refuseUnfiltered(connection: PendingConnection): ConnectionOutcome {
  connection.note('filter_chain', 'stopped', connection.chain?.name ?? '', () => ({
    detail: 'a network filter of this chain got no configuration from the control plane, and it has no default',
    origin: originOf(connection.chain?.origins),
  }));
  connection.listener?.stats.count('network_extension_config_missing');
  recordRefusal(connection, { details: 'filter_config_missing' });
  ConnectionLog.of(connection)?.write(undefined);
  connection.socket.resetAndDestroy();
  return 'stop';
}

/** No filter chain wants the connection: a client that has said something sees a reset. */
function refuse(connection: PendingConnection): ConnectionOutcome {
  connection.listener?.stats.count('no_filter_chain_match');
  recordRefusal(connection);
  turnAway(connection.socket);
  return 'stop';
}
