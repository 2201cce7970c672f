import type { Clock } from '#domain';
import type { Failure } from './failures.ts';
import { reasonPhrase } from './status-lines.ts';

/** The bytes of an answer that the codec gives itself; the connection closes behind it. */
export function localAnswer(
  failure: Failure,
  options: { readonly clock: Clock; readonly serverName?: string | undefined },
): string {
  const type = failure.body === '' ? '' : 'content-type: text/plain\r\n';
  const server = options.serverName === undefined ? '' : `server: ${options.serverName}\r\n`;
  return (
    `HTTP/1.1 ${failure.status} ${reasonPhrase(failure.status)}\r\ncontent-length: ${failure.body.length}\r\n${type}` +
    `date: ${new Date(options.clock.now()).toUTCString()}\r\n${server}connection: close\r\n\r\n${failure.body}`
  );
}
