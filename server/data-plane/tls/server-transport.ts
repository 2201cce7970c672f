import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '#domain';
import { errorMessage } from '#domain';
import type { CredentialsSource, SecureContexts, TlsCredentials, TlsVersions } from './credentials.ts';
import {
  chainFailure,
  describeTlsError,
  missingCertificateFailure,
  SECRET_NOT_SUPPLIED,
  sanFailure,
} from './failure-reason.ts';
import type { SubjectAltNames } from './subject-alt-names.ts';
import { parseSubjectAltNames } from './subject-alt-names.ts';
import { readTlsFacts } from './tls-facts.ts';
import type { HandshakeWaiter, TransportSocket } from './transport.ts';

const DEFAULT_TIMEOUT_MS = 15_000;

export interface ServerTransportOptions {
  readonly contexts: SecureContexts;
  readonly credentials: CredentialsSource;
  readonly alpn: readonly string[];
  /** Without a certificate the handshake fails with the alert `certificate_required`. */
  readonly requireClientCertificate: boolean;
  /** A client's certificate that the roots do not vouch for is let in all the same. Default false. */
  readonly acceptUntrusted?: boolean;
  /** Absent: every client certificate that the roots vouch for. */
  readonly matchesPeer?: ((names: SubjectAltNames) => boolean) | undefined;
  readonly versions?: TlsVersions | undefined;
  readonly clock: Clock;
  /** Default 15,000. */
  readonly timeoutMs?: number | undefined;
}

export interface ServerTransport extends TransportSocket {
  /**
   * `clientAlpn` is what the ClientHello offered (see `inspect`). When nothing of it is served, the handshake goes on without ALPN, as
   * in Envoy, instead of failing. Bytes that were put back into the socket are read first.
   */
  handshake(socket: Socket, waiter: HandshakeWaiter, clientAlpn?: readonly string[]): void;
}

/**
 * TLS on the server's side (Envoy: DownstreamTlsContext). Unlike Envoy, a client certificate that does not verify is refused by closing
 * the connection right after the handshake, without an alert.
 */
export function createServerTransport(options: ServerTransportOptions): ServerTransport {
  return { handshake: (socket, waiter, clientAlpn) => new ServerHandshake(options, waiter).start(socket, clientAlpn) };
}

class ServerHandshake {
  readonly #options: ServerTransportOptions;
  readonly #waiter: HandshakeWaiter;
  #over = false;

  constructor(options: ServerTransportOptions, waiter: HandshakeWaiter) {
    this.#options = options;
    this.#waiter = waiter;
  }

  start(socket: Socket, clientAlpn: readonly string[] | undefined): void {
    const credentials = this.#options.credentials();
    if (credentials?.certificate === undefined) {
      socket.destroy();
      this.#waiter.failed(SECRET_NOT_SUPPLIED);
      return;
    }
    try {
      this.#listen(this.#wrap(socket, credentials, clientAlpn), credentials);
    } catch (error) {
      socket.destroy();
      this.#waiter.failed(`TLS_error:${errorMessage(error)}:TLS_error_end`);
    }
  }

  #wrap(socket: Socket, credentials: TlsCredentials, clientAlpn: readonly string[] | undefined): TLSSocket {
    const { alpn, contexts, requireClientCertificate, versions } = this.#options;
    const served = clientAlpn === undefined ? alpn : alpn.filter((name) => clientAlpn.includes(name));
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: contexts.get(credentials, versions ?? {}),
      requestCert: requireClientCertificate || credentials.rootsPem !== undefined,
      // An untrusted certificate is judged after the handshake; OpenSSL would refuse it, or its absence, before.
      rejectUnauthorized: requireClientCertificate && this.#options.acceptUntrusted !== true,
      ...(served.length > 0 && { ALPNProtocols: [...served] }),
    });
  }

  #listen(socket: TLSSocket, credentials: TlsCredentials): void {
    const { clock, timeoutMs } = this.#options;
    const fail = (reason: string): void => {
      if (this.#over) return;
      this.#over = true;
      timer.cancel();
      socket.destroy();
      this.#waiter.failed(reason);
    };
    const timer = clock.after(timeoutMs ?? DEFAULT_TIMEOUT_MS, () => fail('transport socket timeout was reached'));
    const onError = (error: Error): void => fail(describeTlsError(error));
    const onClose = (): void => fail('');
    // Stays, so that an error before the next reader listens is not fatal.
    socket.on('error', () => undefined);
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once('secure', () => {
      const failure = this.#verify(socket, credentials);
      if (failure !== undefined) {
        fail(failure);
        return;
      }
      this.#over = true;
      timer.cancel();
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      const sni = servernameOf(socket);
      this.#waiter.secured({ socket, tls: readTlsFacts(socket, sni) });
    });
  }

  /** Why the client's certificate is not accepted; undefined when it is, or when there is none and none is needed. */
  #verify(socket: TLSSocket, credentials: TlsCredentials): string | undefined {
    const peer = socket.getPeerX509Certificate();
    if (peer === undefined && this.#options.requireClientCertificate) return missingCertificateFailure();
    if (peer === undefined || credentials.rootsPem === undefined) return undefined;
    if (this.#options.acceptUntrusted === true) return undefined;
    const failure = verifyResult(socket);
    if (failure !== undefined) return chainFailure(failure);
    const { matchesPeer } = this.#options;
    const names = parseSubjectAltNames(peer.subjectAltName);
    return matchesPeer === undefined || matchesPeer(names) ? undefined : sanFailure(names);
  }
}

function servernameOf(socket: TLSSocket): string {
  const name: unknown = Reflect.get(socket, 'servername');
  return typeof name === 'string' ? name : '';
}

/**
 * OpenSSL's verdict on the peer's chain, undefined when it is good. Node's own tls.Server reads it from the same place; a TLSSocket
 * without such a server has no public property for it. When it cannot be read the peer is refused.
 */
function verifyResult(socket: TLSSocket): string | undefined {
  const handle: unknown = Reflect.get(socket, 'ssl');
  const verifyError: unknown = handle instanceof Object ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof verifyError !== 'function') return 'verification result is not available';
  const result: unknown = verifyError.call(handle);
  if (result === undefined || result === null) return undefined;
  return errorMessage(result);
}
