import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { errorMessage } from '#domain';
import type { ClientSessions } from './client-sessions.ts';
import {
  type CredentialsSource,
  type SecureContexts,
  type TlsCredentials,
  type TlsParameters,
  versionsBetween,
} from './credentials.ts';
import {
  chainFailure,
  describeHandshakeError,
  namedSanFailure,
  SECRET_NOT_SUPPLIED,
  sanFailure,
} from './failure-reason.ts';
import { peerOf, takesUp } from './known-peers.ts';
import type { SubjectAltNames } from './subject-alt-names.ts';
import { coversName, parseSubjectAltNames } from './subject-alt-names.ts';
import { type Intent, peerChainOf, readHandshake, readTlsFacts } from './tls-facts.ts';
import type { HandshakeWaiter, TransportSocket } from './transport.ts';
import { runsOver } from './wires.ts';

export interface ClientTransportOptions {
  readonly contexts: SecureContexts;
  readonly credentials: CredentialsSource;
  /** Empty: no SNI is sent. */
  readonly sni: string;
  readonly alpn: readonly string[];
  /**
   * Whether the server's names are those of the workload that was meant. Absent: every certificate that the roots vouch for. The Host
   * header has no say: a mesh verifies the identity it expected.
   */
  readonly matchesPeer?: ((names: SubjectAltNames) => boolean) | undefined;
  /** The server's certificate must have this name, or a wildcard for it, besides. */
  readonly namedPeer?: string | undefined;
  /** Those names in words, for the record. */
  readonly expected?: readonly string[] | undefined;
  readonly parameters?: TlsParameters | undefined;
  /** Sessions to take up; absent: none is. */
  readonly sessions?: ClientSessions | undefined;
}

const CLIENT = { is: 'client' } as const;

/** TLS on the client's side (Envoy: UpstreamTlsContext). */
export function createClientTransport(options: ClientTransportOptions): TransportSocket {
  return { handshake: (socket, waiter) => handshake(options, socket, waiter) };
}

/** Marks that the names were compared and did not match, on the way through Node's own check. */
class UnexpectedPeer extends Error {
  /** As Envoy spells it. */
  readonly reason: string;

  constructor(reason: string) {
    super('the names of the certificate are not those of the expected workload');
    this.reason = reason;
  }
}

function handshake(options: ClientTransportOptions, socket: Socket, waiter: HandshakeWaiter): void {
  const credentials = options.credentials();
  if (credentials === undefined) {
    socket.destroy();
    waiter.failed(SECRET_NOT_SUPPLIED);
    return;
  }
  let secured: TLSSocket;
  try {
    secured = start(options, socket, credentials);
  } catch (error) {
    socket.destroy();
    waiter.failed(`TLS_error:${errorMessage(error)}:TLS_error_end`);
    return;
  }
  const intent: Intent = {
    side: 'client',
    offered: { serverName: options.sni, alpn: options.alpn, versions: versionsBetween(options.parameters) },
    ownChainPem: credentials.certificate?.chainPem ?? '',
    ...(credentials.rootsPem !== undefined && { rootsPem: credentials.rootsPem }),
    expected: options.expected ?? [],
  };
  let refused: Uint8Array[] = [];
  // Before Node's own listener, which ends a connection whose peer is not to be believed, and with it what the peer has shown.
  secured.prependOnceListener('secure', () => {
    refused = peerChainOf(secured);
  });
  const onError = (error: Error): void => {
    const reason = failureOf(error, secured);
    const record = { ...readHandshake(secured, intent, reason), peerChain: refused };
    secured.destroy();
    waiter.failed(reason, record);
  };
  // Stays, so that an error before the next reader listens is not fatal.
  secured.on('error', () => undefined);
  secured.once('error', onError);
  secured.once('secureConnect', () => {
    secured.removeListener('error', onError);
    const fault = secured.isSessionReused() ? resumedFault(options, secured) : undefined;
    if (fault !== undefined) {
      onError(new UnexpectedPeer(fault));
      return;
    }
    waiter.secured({ socket: secured, tls: readTlsFacts(secured, options.sni, intent) });
  });
}

function start(options: ClientTransportOptions, socket: Socket, credentials: TlsCredentials): TLSSocket {
  const { namedPeer = '', sessions, sni } = options;
  const secureContext = options.contexts.get(credentials, options.parameters ?? {}, CLIENT);
  const peer = `${sni} ${namedPeer}`;
  // OpenSSL, too, holds certificates against the machine's own clock.
  const before = sessions?.take(secureContext, peer, Date.now());
  const secured = connect({
    socket,
    secureContext,
    ...(before !== undefined && { session: before.session }),
    // An explicit empty name keeps Node from sending the address as SNI.
    servername: options.sni,
    ALPNProtocols: [...options.alpn],
    rejectUnauthorized: credentials.rootsPem !== undefined,
    checkServerIdentity: (_host, certificate) => {
      const reason = peerFault(options, parseSubjectAltNames(certificate.subjectaltname));
      return reason === undefined ? undefined : new UnexpectedPeer(reason);
    },
  });
  runsOver(secured, socket);
  if (before !== undefined) takesUp(secured, before.certificate);
  sessions?.listen(secured, secureContext, peer);
  return secured;
}

/** Node compares no names where a session is taken up. */
const resumedFault = (options: ClientTransportOptions, socket: TLSSocket): string | undefined =>
  peerFault(options, parseSubjectAltNames(peerOf(socket)?.subjectAltName));

/** Envoy looks at the name that was asked for first. */
function peerFault({ matchesPeer, namedPeer }: ClientTransportOptions, names: SubjectAltNames): string | undefined {
  if (namedPeer !== undefined && !coversName(names, namedPeer)) return namedSanFailure(namedPeer, names);
  return matchesPeer === undefined || matchesPeer(names) ? undefined : sanFailure(names);
}

function failureOf(error: Error, socket: TLSSocket): string {
  if (error instanceof UnexpectedPeer) return error.reason;
  const spelled = describeHandshakeError(error);
  if (spelled !== '') return spelled;
  // Node reports a chain that does not verify by X509_verify_cert's own message.
  if (socket.authorizationError) return chainFailure(error.message);
  return '';
}
