import type { Clock } from '#domain';
import type { ResponseHead } from '../codec.ts';
import { Headers } from '../headers.ts';
import type { Failure } from './failures.ts';
import { reasonPhrase } from './status-lines.ts';

/** What a message is answered that breaks the protocol, without what the connection itself says. */
export function localHead(
  { body, status }: Failure,
  options: { readonly clock: Clock; readonly serverName?: string | undefined },
): ResponseHead {
  const headers = Headers.of({ 'content-length': String(body.length) });
  if (body !== '') headers.set('content-type', 'text/plain');
  headers.set('date', new Date(options.clock.now()).toUTCString());
  if (options.serverName !== undefined) headers.set('server', options.serverName);
  return { status, headers };
}

/** That answer on the wire. */
export function localAnswer({ headers, status }: ResponseHead, body: string): string {
  const lines = headers.entries().map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines.join('')}\r\n${body}`;
}
