import type { SubjectAltNames } from './subject-alt-names.ts';

/** Envoy's (BoringSSL's) number for an error of its SSL library: library 16 in the upper bits, the reason below. */
const SSL_LIBRARY = 0x1000_0000;

/** BoringSSL's names and reason numbers for what OpenSSL reports by its own names. Alerts are 1000 plus the alert's number. */
const REASONS: Readonly<Record<string, readonly [string, number]>> = {
  CERTIFICATE_VERIFY_FAILED: ['CERTIFICATE_VERIFY_FAILED', 125],
  PEER_DID_NOT_RETURN_A_CERTIFICATE: ['PEER_DID_NOT_RETURN_A_CERTIFICATE', 192],
  WRONG_VERSION_NUMBER: ['WRONG_VERSION_NUMBER', 247],
  PACKET_LENGTH_TOO_LONG: ['WRONG_VERSION_NUMBER', 247],
  HTTP_REQUEST: ['HTTP_REQUEST', 156],
  UNSUPPORTED_PROTOCOL: ['UNSUPPORTED_PROTOCOL', 240],
  NO_SHARED_CIPHER: ['NO_SHARED_CIPHER', 184],
  NO_SUITABLE_SIGNATURE_ALGORITHM: ['NO_COMMON_SIGNATURE_ALGORITHMS', 253],
  NO_APPLICATION_PROTOCOL: ['NO_APPLICATION_PROTOCOL', 307],
  BAD_ALERT: ['BAD_ALERT', 102],
};

const ALERTS: Readonly<Record<number, string>> = {
  10: 'SSLV3_ALERT_UNEXPECTED_MESSAGE',
  20: 'SSLV3_ALERT_BAD_RECORD_MAC',
  40: 'SSLV3_ALERT_HANDSHAKE_FAILURE',
  42: 'SSLV3_ALERT_BAD_CERTIFICATE',
  43: 'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  44: 'SSLV3_ALERT_CERTIFICATE_REVOKED',
  45: 'SSLV3_ALERT_CERTIFICATE_EXPIRED',
  46: 'SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  47: 'SSLV3_ALERT_ILLEGAL_PARAMETER',
  48: 'TLSV1_ALERT_UNKNOWN_CA',
  49: 'TLSV1_ALERT_ACCESS_DENIED',
  50: 'TLSV1_ALERT_DECODE_ERROR',
  51: 'TLSV1_ALERT_DECRYPT_ERROR',
  70: 'TLSV1_ALERT_PROTOCOL_VERSION',
  71: 'TLSV1_ALERT_INSUFFICIENT_SECURITY',
  80: 'TLSV1_ALERT_INTERNAL_ERROR',
  90: 'TLSV1_ALERT_USER_CANCELLED',
  112: 'TLSV1_ALERT_UNRECOGNIZED_NAME',
  116: 'TLSV1_ALERT_CERTIFICATE_REQUIRED',
  120: 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
};

function spell(name: string, reason: number, detail: string): string {
  const middle = `|${SSL_LIBRARY + reason}:SSL routines:OPENSSL_internal:${name}`;
  return `TLS_error:${middle}${detail === '' ? '' : `:${detail}`}:TLS_error_end`;
}

/** The peer's certificate chain did not verify; `message` is X509_verify_cert's. */
export function chainFailure(message: string): string {
  // Node appends advice behind a semicolon.
  const plain = message.split(';')[0]!;
  // Unlike Envoy, the depth is always given as 0: OpenSSL does not tell Node at which certificate it stopped.
  const detail = `verify cert failed: X509_verify_cert: certificate verification error at depth 0: ${plain}`;
  return spell('CERTIFICATE_VERIFY_FAILED', 125, detail);
}

const SAN_FAILURE = 'verify cert failed: SAN matcher';
const NAMED_SAN_FAILURE = 'verify cert failed: verify SAN list';

/** The peer proved these names, of which none was expected. */
export function sanFailure({ inOrder }: SubjectAltNames): string {
  const names = inOrder.join(', ');
  return spell('CERTIFICATE_VERIFY_FAILED', 125, `${SAN_FAILURE}, certificate SANs are [${names}]`);
}

/** The peer's certificate does not have the one name that it was asked for. */
export function namedSanFailure(expected: string, { inOrder }: SubjectAltNames): string {
  const names = inOrder.join(', ');
  const detail = `${NAMED_SAN_FAILURE}, expected SANs: [${expected}], certificate SANs: [${names}]`;
  return spell('CERTIFICATE_VERIFY_FAILED', 125, detail);
}

export function missingCertificateFailure(): string {
  return spell('PEER_DID_NOT_RETURN_A_CERTIFICATE', 192, 'peer did not provide required client certificate');
}

/** Envoy's counters of handshakes that failed. */
export type HandshakeCounter =
  | 'ssl.connection_error'
  | 'ssl.fail_verify_error'
  | 'ssl.fail_verify_no_cert'
  | 'ssl.fail_verify_san'
  | 'server_ssl_socket_factory.downstream_context_secrets_not_ready'
  | 'client_ssl_socket_factory.upstream_context_secrets_not_ready';

/**
 * The counter of Envoy's that a failed handshake moves, by the reason it failed with. Undefined for what is no error of TLS: the
 * peer just went away, or took too long.
 */
export function handshakeCounter(reason: string, side: 'client' | 'server' = 'client'): HandshakeCounter | undefined {
  if (reason === SECRET_NOT_SUPPLIED) return SECRETS_NOT_READY[side];
  if (!reason.startsWith('TLS_error:') || reason === HANDSHAKE_RESET) return undefined;
  if (reason === missingCertificateFailure()) return 'ssl.fail_verify_no_cert';
  if (reason.includes(SAN_FAILURE) || reason.includes(NAMED_SAN_FAILURE)) return 'ssl.fail_verify_san';
  return reason.includes(':CERTIFICATE_VERIFY_FAILED:') ? 'ssl.fail_verify_error' : 'ssl.connection_error';
}

const SECRETS_NOT_READY = {
  client: 'client_ssl_socket_factory.upstream_context_secrets_not_ready',
  server: 'server_ssl_socket_factory.downstream_context_secrets_not_ready',
} as const;

/** The handshake took too long. */
export const HANDSHAKE_TIMEOUT = 'transport socket timeout was reached';

/** The peer has reset the connection before the handshake was over: the system's error 104, in BoringSSL's library 2. */
const HANDSHAKE_RESET = 'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end';

/** The transport socket has no certificate yet. */
export const SECRET_NOT_SUPPLIED = 'TLS error: Secret is not supplied by SDS';

function property(error: Error, name: string): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}

/**
 * The transport failure reason for an error of a TLS socket, in Envoy's spelling; empty for errors of the TCP connection, which Envoy
 * does not tell either. Unlike Envoy, reasons that BoringSSL does not know keep OpenSSL's name and have number 0.
 */
export function describeTlsError(error: Error): string {
  const code = property(error, 'code');
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  if (alert !== undefined && ALERTS[Number(alert)] !== undefined) {
    return spell(ALERTS[Number(alert)]!, 1000 + Number(alert), '');
  }
  if (!code.startsWith('ERR_SSL_')) return '';
  const name = code.slice('ERR_SSL_'.length);
  if (name === 'PEER_DID_NOT_RETURN_A_CERTIFICATE') return missingCertificateFailure();
  const [envoyName, reason] = REASONS[name] ?? [name, 0];
  return spell(envoyName, reason, '');
}

/** The same for an error before the handshake is over, where a reset of the TCP connection is told, too. */
export function describeHandshakeError(error: Error): string {
  // Node gives the same code to a peer that ends the connection in order, but then it was no call that failed.
  const isReset = property(error, 'code') === 'ECONNRESET' && property(error, 'syscall') === 'read';
  return isReset ? HANDSHAKE_RESET : describeTlsError(error);
}
