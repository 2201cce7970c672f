/** How a request without an answer ended. */
export type Failure = 'reset' | 'tls-alert' | 'timeout' | 'other';

/** What a client's error says about the other side: it cut the connection, or it refused the TLS handshake with an alert. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return 'other';
  if (error.name === 'TimeoutError') return 'timeout';
  const code = 'code' in error ? String(error.code) : '';
  if (/^ERR_SSL_.*ALERT/.test(code)) return 'tls-alert';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'other';
}
