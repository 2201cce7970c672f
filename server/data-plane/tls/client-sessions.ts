import type { X509Certificate } from 'node:crypto';
import type { SecureContext, TLSSocket } from 'node:tls';
import { peerOf } from './known-peers.ts';

/** A session that a server gave, and who the server was. */
export interface ClientSession {
  readonly session: Buffer;
  readonly certificate: X509Certificate;
}

interface Kept extends ClientSession {
  /** Whom the server was asked to be. */
  readonly peer: string;
  /** One of TLS 1.3 is taken up once. */
  readonly once: boolean;
  /** Wall time until which both certificates hold. */
  readonly validUntilMs: number;
}

/**
 * Sessions with the servers of one cluster, the newest first, for its next connections (`max_session_keys` of UpstreamTlsContext). Other
 * certificates of this side begin anew. Unlike Envoy's, a session ends with the certificates that were shown in it, and is taken up only
 * where the same name is asked for.
 */
export class ClientSessions {
  readonly #most: number;
  #context: SecureContext | undefined;
  #kept: Kept[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** The session to take up, if there is one. `now`: wall time. */
  take(context: SecureContext, peer: string, now: number): ClientSession | undefined {
    if (this.#context !== context) return undefined;
    const at = this.#kept.findIndex((each) => each.peer === peer && each.validUntilMs > now);
    const found = this.#kept[at];
    if (found?.once === true) this.#kept.splice(at, 1);
    return found;
  }

  /** Keeps what the server gives on this connection. */
  listen(socket: TLSSocket, context: SecureContext, peer: string): void {
    if (this.#most === 0) return;
    socket.on('session', (session: Buffer) => {
      const certificate = peerOf(socket);
      // It has shown nothing.
      if (certificate === undefined) return;
      const validUntilMs = validUntil(certificate, socket.getX509Certificate());
      if (this.#context !== context) this.#kept = [];
      this.#context = context;
      this.#kept.unshift({ session, certificate, peer, once: socket.getProtocol() === 'TLSv1.3', validUntilMs });
      this.#kept.length = Math.min(this.#kept.length, this.#most);
    });
  }
}

const validUntil = (server: X509Certificate, own: X509Certificate | undefined): number =>
  Math.min(Date.parse(server.validTo), own === undefined ? Number.POSITIVE_INFINITY : Date.parse(own.validTo));
