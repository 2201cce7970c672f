import { STATUS_CODES } from 'node:http';
import type { FetchInit, FetchResponse } from '#workloads';
import { handshakeText } from './handshake.ts';

/** As it came, each line ended as on the wire; of HTTP/2 curl shows the version and no reason. */
export function headOf({ status, headers, head }: FetchResponse): string {
  const { version, reason, lines } = head ?? {
    version: '1.1',
    reason: STATUS_CODES[status] ?? '',
    lines: Object.entries(headers),
  };
  const first = `HTTP/${version} ${status} ${reason}`;
  return [first, ...lines.map(([name, text]) => `${name}: ${text}`), '', ''].join('\r\n');
}

/** As -v shows a head. */
export const shown = (head: string, sign: '<' | '>'): string =>
  head
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${sign} ${line}\n`)
    .join('');

const OWN_NAMES: Readonly<Record<string, string>> = {
  'user-agent': 'User-Agent',
  accept: 'Accept',
  host: 'Host',
  'content-type': 'Content-Type',
  cookie: 'Cookie',
  referer: 'Referer',
  range: 'Range',
  authorization: 'Authorization',
  'accept-encoding': 'Accept-Encoding',
};

interface Conversation {
  readonly url: string;
  readonly dialled: string;
  readonly init: FetchInit;
  readonly response: FetchResponse;
  /** Of `--cacert`. */
  readonly caFile: string | undefined;
}

/** What `-v` tells of the connection and of what is sent. */
export function conversation(
  { url, dialled, init, response, caFile }: Conversation,
  names: ReadonlyMap<string, string>,
): string {
  const target = new URL(url);
  const dialledUrl =
    init.proxy === undefined ? new URL(dialled) : new URL(`http://${init.proxy.host}:${init.proxy.port}`);
  const { destination, head: { version = '1.1' } = {} } = response;
  const port = destination?.port ?? (dialledUrl.port || (dialledUrl.protocol === 'https:' ? 443 : 80));
  const address = destination === undefined ? '' : ` (${destination.ip})`;
  const trying = destination === undefined ? '' : `*   Trying ${destination.ip}:${port}...\n`;
  const { host = target.host, ...others } = init.headers ?? {};
  const length = init.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(init.body)) };
  const path = `${isForwarded(url, init) ? target.origin : ''}${init.target ?? `${target.pathname}${target.search}`}`;
  const sent = [`${init.method} ${path} HTTP/${init.http10 === true ? '1.0' : version}`, `Host: ${host}`];
  for (const [name, text] of [...Object.entries(others), ...(init.moreHeaders ?? []), ...Object.entries(length)])
    sent.push(`${names.get(name) ?? OWN_NAMES[name] ?? name}: ${text}`);
  return `${trying}* Connected to ${init.proxy?.host ?? target.hostname}${address} port ${port}\n${handshakeText(response, { init, hostname: target.hostname, caFile })}${shown([...sent, '', ''].join('\r\n'), '>')}`;
}

const isForwarded = (url: string, { proxy }: FetchInit): boolean =>
  proxy !== undefined && !proxy.tunnel && url.startsWith('http:');
