import { constants, createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { traitsOf } from './certificate-traits.ts';
import { type CipherRank, cipherList, DEFAULT_CIPHERS } from './cipher-suites.ts';
import { DEFAULT_GROUPS, groupList } from './groups.ts';
import { renewTickets } from './ticket-keys.ts';

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

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What one side can agree on (Envoy: TlsParameters). */
export interface TlsParameters {
  /** Default TLSv1.2, as Envoy. */
  readonly min?: TlsVersion | undefined;
  /** Default TLSv1.3. */
  readonly max?: TlsVersion | undefined;
  /** Suites of TLS 1.2 and below. Default Envoy's. */
  readonly ciphers?: readonly CipherRank[] | undefined;
  /** Groups for the exchange of keys, the dearest first. Default Envoy's. */
  readonly groups?: readonly string[] | undefined;
  /** A server gives no tickets by which clients take up their session again. */
  readonly noTickets?: boolean | undefined;
}

const VERSIONS = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'] as const;

/** The versions that are offered, newest first. */
export function versionsBetween({ min = 'TLSv1.2', max = 'TLSv1.3' }: TlsParameters = {}): TlsVersion[] {
  return VERSIONS.filter((version) => version >= min && version <= max);
}

/** Whose context it is. A server knows what its client has offered. */
export type Side =
  | { readonly is: 'client' }
  | { readonly is: 'server'; readonly ciphers?: readonly number[]; readonly versions?: readonly string[] };

const DEFAULT_CAPACITY = 64;
/** How long a ticket may be used: BoringSSL's defaults, of TLS 1.3 and before. */
const [TICKET_SECONDS, SESSION_SECONDS] = [172_800, 7200];
/** How a peer may sign: what BoringSSL verifies, but for SHA-1. */
const SIGNATURES =
  'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:RSA-PSS+SHA512:RSA+SHA512';

/** OpenSSL lets a peer sign only in ways in which it would itself. */
const signaturesFor = (shown: readonly Certificate[]): string =>
  shown.some((each) => traitsOf(each).curve === 'secp521r1') ? `${SIGNATURES}:ECDSA+SHA512` : SIGNATURES;

/** What OpenSSL is told of them. */
function agreeable(parameters: TlsParameters, side: Side) {
  const { min = 'TLSv1.2', max = 'TLSv1.3', noTickets = false } = parameters;
  const list = cipherList(parameters.ciphers ?? DEFAULT_CIPHERS, side.is === 'server' ? side.ciphers : undefined);
  const isNewest = max === 'TLSv1.3' && (side.is === 'client' || side.versions?.includes('TLSv1.3') !== false);
  return {
    min,
    max,
    noTickets,
    // What the versions before 1.2 sign with is below all levels of OpenSSL.
    ciphers: min < 'TLSv1.2' ? `${list}:@SECLEVEL=0` : list,
    groups: groupList(parameters.groups ?? DEFAULT_GROUPS, side.is),
    seconds: isNewest ? TICKET_SECONDS : SESSION_SECONDS,
  };
}

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
  get(credentials: TlsCredentials, parameters: TlsParameters, side: Side): SecureContext {
    const { certificate, further = [], rootsPem, crlPem } = credentials;
    const shown = certificate === undefined ? [] : [certificate, ...further];
    const { min, max, noTickets, ciphers, groups, seconds } = agreeable(parameters, side);
    const pems = shown.flatMap(({ chainPem, keyPem }) => [chainPem, keyPem]);
    const key = [min, max, noTickets, ciphers, groups, seconds, ...pems, '-', rootsPem, crlPem].join('\n\n');
    const known = this.#contexts.get(key);
    const context =
      known ??
      createSecureContext({
        minVersion: min,
        maxVersion: max,
        ciphers,
        ecdhCurve: groups,
        sigalgs: signaturesFor(shown),
        honorCipherOrder: true,
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (noTickets ? constants.SSL_OP_NO_TICKET : 0),
        // Without a name of its own OpenSSL breaks off the handshake of a client that takes up a session in which it has shown a certificate.
        sessionIdContext: createHash('sha256').update(key).digest('hex').slice(0, 32),
        sessionTimeout: seconds,
        ...(certificate && { cert: shown.map(({ chainPem }) => chainPem), key: shown.map(({ keyPem }) => keyPem) }),
        // An empty list, not none: without one OpenSSL would trust the public web's roots.
        ca: rootsPem === undefined ? [] : rootsPem,
        ...(crlPem !== undefined && { crl: crlPem }),
      });
    if (known === undefined && side.is === 'server' && seconds === TICKET_SECONDS && !noTickets) renewTickets(context);
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
