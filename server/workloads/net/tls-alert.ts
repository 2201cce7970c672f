import { createCipheriv, createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { errorMessage } from '#domain';

/** Alert descriptions (RFC 8446 §6). */
export const TLS_ALERTS = {
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  unknownCa: 48,
  decryptError: 51,
} as const;

/** OpenSSL's verdicts on a chain, by Node's names for them, and the alert that a TLS library sends for each. */
const ALERT_OF: Readonly<Record<string, number>> = {
  CERT_HAS_EXPIRED: TLS_ALERTS.certificateExpired,
  CERT_NOT_YET_VALID: TLS_ALERTS.badCertificate,
  CERT_REVOKED: TLS_ALERTS.certificateRevoked,
  CERT_REJECTED: TLS_ALERTS.badCertificate,
  CERT_UNTRUSTED: TLS_ALERTS.badCertificate,
  CERT_SIGNATURE_FAILURE: TLS_ALERTS.decryptError,
  INVALID_PURPOSE: TLS_ALERTS.unsupportedCertificate,
  CERT_CHAIN_TOO_LONG: TLS_ALERTS.unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: TLS_ALERTS.unknownCa,
  INVALID_CA: TLS_ALERTS.unknownCa,
  PATH_LENGTH_EXCEEDED: TLS_ALERTS.unknownCa,
  SELF_SIGNED_CERT_IN_CHAIN: TLS_ALERTS.unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: TLS_ALERTS.unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TLS_ALERTS.unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TLS_ALERTS.unknownCa,
};

/** The alert for a verdict of OpenSSL's, such as `CERT_HAS_EXPIRED`. */
export const alertForVerdict = (code: string): number => ALERT_OF[code] ?? TLS_ALERTS.certificateUnknown;

/** OpenSSL's verdict on a peer's chain. */
export interface PeerVerdict {
  /** `CERT_HAS_EXPIRED`; empty when it is not known. */
  readonly code: string;
  readonly message: string;
}

/**
 * The verdict on the chain that the peer of a finished handshake has shown, undefined when it is good. Node's own tls.Server reads it from
 * the same place; a TLSSocket without such a server has no public property for it. When it cannot be read, that is the verdict.
 */
export function peerVerdict(socket: TLSSocket): PeerVerdict | undefined {
  const handle: unknown = Reflect.get(socket, 'ssl');
  const verifyError: unknown = handle instanceof Object ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof verifyError !== 'function') return { code: '', message: 'verification result is not available' };
  const result: unknown = verifyError.call(handle);
  if (result === undefined || result === null) return undefined;
  const code: unknown = result instanceof Object ? Reflect.get(result, 'code') : undefined;
  return { code: typeof code === 'string' ? code : '', message: errorMessage(result) };
}

interface Suite {
  readonly hash: 'sha256' | 'sha384';
  readonly aead: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keyBytes: number;
}

const SUITES: Readonly<Record<string, Suite>> = {
  TLS_AES_128_GCM_SHA256: { hash: 'sha256', aead: 'aes-128-gcm', keyBytes: 16 },
  TLS_AES_256_GCM_SHA384: { hash: 'sha384', aead: 'aes-256-gcm', keyBytes: 32 },
  TLS_CHACHA20_POLY1305_SHA256: { hash: 'sha256', aead: 'chacha20-poly1305', keyBytes: 32 },
};

const IV_BYTES = 12;
const TAG_BYTES = 16;
const APPLICATION_DATA = 23;
const ALERT = 21;
/** Versions in which a server finishes last, so that all it has said when it judges was in plain text. */
const FINISHED_LAST: Readonly<Record<string, readonly [number, number]>> = {
  TLSv1: [3, 1],
  'TLSv1.1': [3, 2],
  'TLSv1.2': [3, 3],
};
const FATAL = 2;
/**
 * OpenSSL's server sends this many session tickets, a record each, as soon as the client has finished: to one that came with a ticket only
 * where tickets are renewed.
 */
const TICKET_RECORDS = { anew: 2, renewed: 1, kept: 0 };
/** A client that reads nothing must not hold the connection open. */
const LINGER_MS = 1000;

/**
 * Lets a server refuse a client's certificate with a fatal alert, as other TLS libraries do: Node judges the certificate when the handshake
 * is over and can only cut the connection. In TLS 1.3 the alert is a record of our own under the connection's key; a client that takes no
 * session tickets is cut off without a word. Before, it is sent in the place of the server's last message, which is not encrypted yet; a
 * client that takes up its session has that message by then, and is cut off.
 */
export class ServerAlert {
  #secret: Buffer | undefined;
  readonly #raw: Socket;
  readonly #secured: TLSSocket;
  readonly #again: number;

  /** Call before the handshake begins. `raw` is the TCP connection below `secured`; `renews`: a client's ticket is answered with a new one. */
  constructor(raw: Socket, secured: TLSSocket, renews = false) {
    this.#again = renews ? TICKET_RECORDS.renewed : TICKET_RECORDS.kept;
    this.#raw = raw;
    this.#secured = secured;
    secured.on('keylog', (line: Buffer) => {
      const [label, , secret = ''] = line.toString('latin1').trim().split(' ');
      if (label === 'SERVER_TRAFFIC_SECRET_0') this.#secret = Buffer.from(secret, 'hex');
    });
  }

  /** Sends the alert and ends the connection. Call right after the handshake, before anything was written. */
  refuse(alert: number, takesTickets = true): void {
    const version = FINISHED_LAST[this.#secured.getProtocol() ?? ''];
    if (version !== undefined && !this.#secured.isSessionReused()) {
      this.#raw.write(Buffer.from([ALERT, ...version, 0, 2, FATAL, alert]));
      this.#secured.destroySoon();
      return;
    }
    const suite = SUITES[this.#secured.getCipher()?.standardName ?? ''];
    const secret = this.#secret;
    this.#secret = undefined;
    if (suite === undefined || secret === undefined || !takesTickets) {
      this.#secured.destroy();
      return;
    }
    const record = alertRecord({
      suite,
      secret,
      alert,
      sequence: this.#secured.isSessionReused() ? this.#again : TICKET_RECORDS.anew,
    });
    // The tickets leave at the end of this turn; the alert must be the record behind them.
    setImmediate(() => {
      if (this.#raw.destroyed) return;
      const end = setTimeout(() => this.#secured.destroy(), LINGER_MS);
      this.#raw.once('close', () => clearTimeout(end));
      this.#raw.write(record, () => this.#raw.end());
    });
  }
}

function alertRecord(options: {
  readonly suite: Suite;
  readonly secret: Buffer;
  readonly alert: number;
  readonly sequence: number;
}): Buffer {
  const { suite, secret, alert, sequence } = options;
  const key = expandLabel(suite.hash, secret, 'key', suite.keyBytes);
  const nonce = expandLabel(suite.hash, secret, 'iv', IV_BYTES);
  nonce.writeUInt32BE((nonce.readUInt32BE(IV_BYTES - 4) ^ sequence) >>> 0, IV_BYTES - 4);
  const content = Buffer.from([FATAL, alert, ALERT]);
  const head = Buffer.from([APPLICATION_DATA, 3, 3, 0, content.length + TAG_BYTES]);
  // The types know each algorithm by its own overload; all three take these arguments.
  const cipher = createCipheriv(suite.aead as 'chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(head, { plaintextLength: content.length });
  return Buffer.concat([head, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** HKDF-Expand-Label of RFC 8446 §7.1 with an empty context; one block of the hash is enough for keys and nonces. */
function expandLabel(hash: Suite['hash'], secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}
