import { constants, createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';

/** A certificate with the CAs above it, and its key. PEM text. */
export interface Certificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

/** What one side of a handshake shows and trusts. PEM text; a change is a new object. */
export interface TlsCredentials {
  /** Absent: no certificate is shown. Leaf first. */
  readonly certificate?: Certificate | undefined;
  /** More that a server may show, see `chooseCertificates`. */
  readonly further?: readonly Certificate[];
  /** Roots of the trust bundle; absent: the peer's certificate is not verified. */
  readonly rootsPem?: string | undefined;
  /** Revocation lists of the CAs of a peer's chain; absent: nothing is revoked. With one, each CA of the chain must have its own. */
  readonly crlPem?: string;
}

/**
 * The credentials in force, read at every handshake, so that a rotated certificate serves the next connection. Undefined while the
 * secret has not arrived by SDS.
 */
export type CredentialsSource = () => TlsCredentials | undefined;

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface TlsVersions {
  /** Default TLSv1.2, as Envoy. */
  readonly min?: TlsVersion | undefined;
  /** Default TLSv1.3. */
  readonly max?: TlsVersion | undefined;
  /** A server gives no tickets by which clients take up their session again. */
  readonly noTickets?: boolean | undefined;
}

/** The versions that are offered, newest first. */
export function versionsBetween({ min = 'TLSv1.2', max = 'TLSv1.3' }: TlsVersions = {}): TlsVersion[] {
  return (['TLSv1.3', 'TLSv1.2'] as const).filter((version) => version >= min && version <= max);
}

const DEFAULT_CAPACITY = 64;
/** How long a ticket may be used: BoringSSL's default. */
const SESSION_SECONDS = 7200;

/**
 * Contexts by their content, so that every connection of one identity shares one. The least recently used goes first; connections that
 * were made with it live on.
 */
export class SecureContexts {
  readonly #capacity: number;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#contexts.size;
  }

  /** Throws OpenSSL's error when key, certificate or roots cannot be read. */
  get(credentials: TlsCredentials, versions: TlsVersions): SecureContext {
    const { certificate, further = [], rootsPem, crlPem } = credentials;
    const shown = certificate === undefined ? [] : [certificate, ...further];
    const min = versions.min ?? 'TLSv1.2';
    const max = versions.max ?? 'TLSv1.3';
    const pems = shown.flatMap(({ chainPem, keyPem }) => [chainPem, keyPem]);
    const { noTickets = false } = versions;
    const key = [min, max, noTickets, ...pems, '-', rootsPem, crlPem].join('\n\n');
    const context =
      this.#contexts.get(key) ??
      createSecureContext({
        minVersion: min,
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (noTickets ? constants.SSL_OP_NO_TICKET : 0),
        // Without a name of its own OpenSSL breaks off the handshake of a client that takes up a session in which it has shown a certificate.
        sessionIdContext: createHash('sha256').update(key).digest('hex').slice(0, 32),
        sessionTimeout: SESSION_SECONDS,
        maxVersion: max,
        ...(certificate && { cert: shown.map(({ chainPem }) => chainPem), key: shown.map(({ keyPem }) => keyPem) }),
        // An empty list, not none: without one OpenSSL would trust the public web's roots.
        ca: rootsPem === undefined ? [] : rootsPem,
        ...(crlPem !== undefined && { crl: crlPem }),
      });
    this.#contexts.delete(key);
    this.#contexts.set(key, context);
    if (this.#contexts.size > this.#capacity) {
      for (const oldest of this.#contexts.keys()) {
        this.#contexts.delete(oldest);
        break;
      }
    }
    return context;
  }
}
