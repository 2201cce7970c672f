import { errorMessage } from '#domain';
import { ConnectTimeoutError, type FetchInit, TunnelRefusedError } from '#workloads';
import { verifyProblem } from './handshake.ts';

/** A failure of curl's own, with its exit code. */
export class CurlFailure extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** curl's own number and text for a failure to get an answer at all. */
export function curlError(
  error: unknown,
  url: string,
  { timeoutMs, connectTimeoutMs, proxy }: Pick<FetchInit, 'timeoutMs' | 'connectTimeoutMs' | 'proxy'>,
): { code: number; text: string } {
  const { hostname, port, protocol } = new URL(url);
  if (error instanceof CurlFailure) return { code: error.exitCode, text: error.message };
  if (error instanceof TunnelRefusedError) return { code: 56, text: error.message };
  const code = (error as { code?: string } | null)?.code ?? '';
  const message = errorMessage(error);
  if (error instanceof Error && error.name === 'TimeoutError')
    return { code: 28, text: `Operation timed out after ${timeoutMs} milliseconds with 0 bytes received` };
  if (error instanceof ConnectTimeoutError)
    return { code: 28, text: `Connection timed out after ${connectTimeoutMs} milliseconds` };
  if (code === 'ENOTFOUND' && proxy !== undefined) return { code: 5, text: `Could not resolve proxy: ${proxy.host}` };
  if (code === 'ENOTFOUND') return { code: 6, text: `Could not resolve host: ${hostname}` };
  const tls = tlsError(error, code, message) ?? brokenHandshake(error, code, `${hostname}:${port || 443}`);
  if (tls !== undefined) return tls;
  if (code === 'ECONNREFUSED')
    return {
      code: 7,
      text: `Failed to connect to ${proxy?.host ?? hostname} port ${proxy?.port ?? (port || (protocol === 'https:' ? 443 : 80))} after 0 ms: Couldn't connect to server`,
    };
  if (code === 'ECONNRESET' && /hang up/.test(message)) return { code: 52, text: 'Empty reply from server' };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { code: 56, text: 'Recv failure: Connection reset by peer' };
  return { code: 7, text: message };
}

/** The connection ended before TLS stood. */
function brokenHandshake(error: unknown, code: string, host: string): { code: number; text: string } | undefined {
  if ((error as { phase?: string } | null)?.phase !== 'handshake') return undefined;
  if (code !== 'ECONNRESET' && code !== 'EPIPE') return undefined;
  return /disconnected before secure/.test(errorMessage(error))
    ? { code: 35, text: `OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to ${host} ` }
    : { code: 35, text: 'Recv failure: Connection reset by peer' };
}

/** In TLS 1.3 a client has connected when it hears that its certificate is refused: that is an error of reading. */
function tlsError(error: unknown, code: string, message: string): { code: number; text: string } | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const host = (error as { host?: string }).host ?? '';
    return { code: 60, text: `SSL: no alternative certificate subject name matches target host name '${host}'` };
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    const plain = message.replace(/^.*?(error:[0-9A-F]{8}:[^:]*:)[^:]*(:[^:]*).*$/s, '$1$2');
    const connecting = (error as { phase?: string } | null)?.phase === 'handshake';
    return connecting
      ? { code: 35, text: `TLS connect error: ${plain}` }
      : { code: 56, text: `OpenSSL SSL_read: ${plain}, errno 0` };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    // Node appends advice behind a semicolon.
    return { code: 60, text: `SSL certificate problem: ${verifyProblem(code)?.text ?? message.split(';')[0]}` };
  }
  return undefined;
}
