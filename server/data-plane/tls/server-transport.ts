import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Clock } from '#domain';
import { errorMessage } from '#domain';
import { alertForVerdict, peerVerdict, ServerAlert, TLS_ALERTS } from '#workloads';
import { chooseCertificates } from './choose-certificates.ts';
import type { ClientHello } from './client-hello.ts';
import type { CredentialsSource, SecureContexts, TlsCredentials, TlsParameters } from './credentials.ts';
import {
  chainFailure,
  describeHandshakeError,
  HANDSHAKE_TIMEOUT,
  missingCertificateFailure,
  SECRET_NOT_SUPPLIED,
  sanFailure,
} from './failure-reason.ts';
import { DEFAULT_GROUPS, takenGroup } from './groups.ts';
import type { SubjectAltNames } from './subject-alt-names.ts';
import { parseSubjectAltNames } from './subject-alt-names.ts';
import { renewsTickets } from './ticket-keys.ts';
import { type Intent, readHandshake, readTlsFacts } from './tls-facts.ts';
import type { HandshakeWaiter, TransportSocket } from './transport.ts';
import { runsOver } from './wires.ts';

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
  /** Those names in words, for the record. */
  readonly expected?: readonly string[] | undefined;
  readonly parameters?: TlsParameters | undefined;
  readonly clock: Clock;
  /** Default 15,000. */
  readonly timeoutMs?: number | undefined;
}

export interface ServerTransport extends TransportSocket {
  /**
   * `hello` is what `inspect` saw. When nothing of its ALPN is served, the handshake goes on without ALPN, as in Envoy, instead of
   * failing. Bytes that were put back into the socket are read first.
   */
  handshake(socket: Socket, waiter: HandshakeWaiter, hello?: OfferedByClient): void;
}

/** What a ClientHello asked for; the server's answer depends on `alpn` and `takesTickets`. */
export type OfferedByClient = Pick<ClientHello, 'alpn' | 'takesTickets'> & Partial<ClientHello>;

/**
 * TLS on the server's side (Envoy: DownstreamTlsContext). A client certificate that does not verify is refused by an alert. Unlike
 * Envoy, in TLS 1.3 that alert comes right behind the handshake.
 */
export function createServerTransport(options: ServerTransportOptions): ServerTransport {
  return { handshake: (socket, waiter, hello) => new ServerHandshake(options, waiter).start(socket, hello) };
}

/** A handshake that has begun. */
interface Underway {
  readonly intent: Intent;
  /** Of the client, where they were looked at. */
  readonly groups: readonly number[];
  readonly sendAlert: (alert: number) => void;
}

/** Why a client's certificate is not accepted. */
interface Refusal {
  readonly reason: string;
  readonly alert: number;
}

class ServerHandshake {
  readonly #options: ServerTransportOptions;
  readonly #waiter: HandshakeWaiter;
  #over = false;

  constructor(options: ServerTransportOptions, waiter: HandshakeWaiter) {
    this.#options = options;
    this.#waiter = waiter;
  }

  start(socket: Socket, hello: OfferedByClient | undefined): void {
    const offered = this.#options.credentials();
    if (offered?.certificate === undefined) {
      socket.destroy();
      this.#waiter.failed(SECRET_NOT_SUPPLIED);
      return;
    }
    try {
      const credentials = chooseCertificates(offered, hello?.serverName ?? '');
      const context = this.#context(credentials, hello);
      const secured = this.#wrap(socket, context, credentials, hello?.alpn);
      // Must listen before the handshake begins.
      const alert = this.#judges(credentials) ? new ServerAlert(socket, secured, renewsTickets(context)) : undefined;
      this.#listen(secured, credentials, {
        intent: this.#intent(credentials, hello),
        groups: hello?.groups ?? [],
        sendAlert: (code) => alert?.refuse(code, hello?.takesTickets !== false),
      });
    } catch (error) {
      socket.destroy();
      this.#waiter.failed(`TLS_error:${errorMessage(error)}:TLS_error_end`);
    }
  }

  #context(credentials: TlsCredentials, { ciphers, versions }: Partial<ClientHello> = {}): SecureContext {
    const { contexts, parameters = {} } = this.#options;
    return contexts.get(credentials, parameters, {
      is: 'server',
      ...(ciphers && { ciphers }),
      ...(versions && { versions }),
    });
  }

  #wrap(
    socket: Socket,
    secureContext: SecureContext,
    credentials: TlsCredentials,
    clientAlpn: readonly string[] | undefined,
  ): TLSSocket {
    const { alpn, requireClientCertificate } = this.#options;
    const served = clientAlpn === undefined ? alpn : alpn.filter((name) => clientAlpn.includes(name));
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      requestCert: requireClientCertificate || credentials.rootsPem !== undefined,
      // An untrusted certificate is judged after the handshake; OpenSSL would refuse it, or its absence, before.
      rejectUnauthorized: requireClientCertificate && this.#options.acceptUntrusted !== true,
      ...(served.length > 0 && { ALPNProtocols: [...served] }),
    });
    runsOver(secured, socket);
    return secured;
  }

  #intent({ certificate, rootsPem }: TlsCredentials, hello: OfferedByClient | undefined): Intent {
    const { serverName = '', alpn = [], versions = [] } = hello ?? {};
    return {
      side: 'server',
      offered: { serverName, alpn, versions },
      ownChainPem: certificate?.chainPem ?? '',
      ...(rootsPem !== undefined && { rootsPem }),
      expected: this.#options.expected ?? [],
    };
  }

  #listen(socket: TLSSocket, credentials: TlsCredentials, { intent, groups, sendAlert }: Underway): void {
    const { clock, timeoutMs } = this.#options;
    const fail = (reason: string, alert?: number): void => {
      if (this.#over) return;
      this.#over = true;
      timer.cancel();
      const record = readHandshake(socket, intent, reason);
      if (alert === undefined) socket.destroy();
      else sendAlert(alert);
      this.#waiter.failed(reason, record);
    };
    const timer = clock.after(timeoutMs ?? DEFAULT_TIMEOUT_MS, () => fail(HANDSHAKE_TIMEOUT));
    const onError = (error: Error): void => fail(describeHandshakeError(error));
    const onClose = (): void => fail('');
    // Stays, so that an error before the next reader listens is not fatal.
    socket.on('error', () => undefined);
    socket.once('error', onError);
    socket.once('close', onClose);
    // Where connections may be half open, a client that leaves says no more than that.
    socket.once('end', onClose);
    socket.once('secure', () => {
      const refusal = this.#verify(socket, credentials);
      if (refusal !== undefined) {
        fail(refusal.reason, refusal.alert);
        return;
      }
      this.#over = true;
      timer.cancel();
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      socket.removeListener('end', onClose);
      const sni = servernameOf(socket);
      const tls = readTlsFacts(socket, sni, intent);
      const group = takenGroup(this.#options.parameters?.groups ?? DEFAULT_GROUPS, groups, tls);
      this.#waiter.secured({ socket, tls: { ...tls, group } });
    });
  }

  /** Whether a client's certificate can be found wanting. */
  #judges({ rootsPem }: TlsCredentials): boolean {
    return rootsPem !== undefined && this.#options.acceptUntrusted !== true;
  }

  /** Why the client's certificate is not accepted; undefined when it is, or when there is none and none is needed. */
  #verify(socket: TLSSocket, credentials: TlsCredentials): Refusal | undefined {
    const peer = socket.getPeerX509Certificate();
    if (peer === undefined && this.#options.requireClientCertificate) {
      return { reason: missingCertificateFailure(), alert: TLS_ALERTS.certificateUnknown };
    }
    if (peer === undefined || !this.#judges(credentials)) return undefined;
    const verdict = peerVerdict(socket);
    if (verdict !== undefined) return { reason: chainFailure(verdict.message), alert: alertForVerdict(verdict.code) };
    const { matchesPeer } = this.#options;
    const names = parseSubjectAltNames(peer.subjectAltName);
    if (matchesPeer === undefined || matchesPeer(names)) return undefined;
    return { reason: sanFailure(names), alert: TLS_ALERTS.certificateUnknown };
  }
}

function servernameOf(socket: TLSSocket): string {
  const name: unknown = Reflect.get(socket, 'servername');
  return typeof name === 'string' ? name.toLowerCase() : '';
}
