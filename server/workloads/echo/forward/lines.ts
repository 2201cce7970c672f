import type { ClientTls } from '../../doors.ts';
import type { EchoTls } from './request.ts';

/** What one request printed, without its number. A line of the server's begins with BODY. */
export type Forwarded = readonly string[];

const BODY = '\0';

/** Lines that the server told, without empty ones. */
export const bodyLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${BODY}${line}`);

/** `[0] StatusCode=200`, `[0 body] Method=GET`. */
export const numbered = (lines: Forwarded, index: number): string =>
  lines.map((line) => (line.startsWith(BODY) ? `[${index} body] ${line.slice(1)}\n` : `[${index}] ${line}\n`)).join('');

/** Without a CA any certificate will do; the name asked for in Host is the server's, unless another is given. */
export const tlsInit = ({ alpn, serverName, ca, cert, key }: EchoTls, host: string | undefined): ClientTls => {
  const name = serverName ?? host;
  return {
    ...(ca === undefined ? { insecure: true } : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(name === undefined ? {} : { serverName: name }),
  };
};
