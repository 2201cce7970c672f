import type { SocketAddress, TrafficDirection } from '#domain';
import { formatAddress } from '#domain';
import { ConfigProblem } from '../config/problem.ts';
import type { ResponseHead, TlsFacts } from './codec.ts';
import { Headers } from './headers.ts';
import type { StreamInfo } from './stream-info.ts';

/** A request head as formats read it. */
export interface FormatHead {
  method: string;
  path: string;
  authority: string;
  scheme: string;
  protocol: string;
  headers: Headers;
}

/** In place of a request on connections that carry none. */
export const NO_REQUEST: FormatHead = Object.freeze({
  method: '',
  path: '',
  authority: '',
  scheme: '',
  protocol: '',
  headers: new Headers(),
});

/** What a format string may speak of: one request, its answer and the connection it came on. */
export interface FormatSubject {
  readonly head: FormatHead;
  readonly responseHead: ResponseHead | undefined;
  readonly info: StreamInfo;
  readonly connection: {
    readonly direction: TrafficDirection;
    readonly remoteAddress: SocketAddress;
    readonly localAddress: SocketAddress;
    readonly requestedServerName: string;
    readonly tls: TlsFacts | undefined;
  };
}

/** A compiled Envoy format string. */
export type Format = (subject: FormatSubject) => string;

/** One `%COMMAND%`; undefined prints as `-`. */
type Command = (subject: FormatSubject) => string | number | undefined;

const text = (value: string): string | undefined => (value === '' ? undefined : value);

const underscored = (words: string): string => (words.includes(' ') ? words.replaceAll(' ', '_') : words);

/** Busy proxies begin many requests in one millisecond: its text is made once. */
function startTime(): Command {
  let lastMs = Number.NaN;
  let lastText = '';
  return ({ info }) => {
    if (info.startMs !== lastMs) {
      lastMs = info.startMs;
      lastText = new Date(lastMs).toISOString();
    }
    return lastText;
  };
}

/** A name that no cluster has is none. */
const upstreamCluster: Command = ({ info }) => (info.flags.includes('NC') ? undefined : text(info.cluster));

const COMMANDS: Readonly<Record<string, Command>> = {
  PROTOCOL: ({ head }) => text(head.protocol),
  RESPONSE_CODE: ({ info }) => info.status,
  /** No flags have a text of their own, also where other values are left out. */
  RESPONSE_FLAGS: ({ info }) => (info.flags.length === 0 ? '-' : info.flags.join(',')),
  RESPONSE_CODE_DETAILS: ({ info }) => text(underscored(info.details)),
  CONNECTION_TERMINATION_DETAILS: ({ info }) => text(info.connectionTerminationDetails),
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ info }) => text(underscored(info.transportFailure)),
  BYTES_RECEIVED: ({ info }) => info.bytesReceived,
  BYTES_SENT: ({ info }) => info.bytesSent,
  DURATION: ({ info }) => Math.round(info.durationMs),
  UPSTREAM_HOST: ({ info }) => text(info.upstreamHost),
  UPSTREAM_CLUSTER: upstreamCluster,
  UPSTREAM_CLUSTER_RAW: upstreamCluster,
  UPSTREAM_LOCAL_ADDRESS: ({ info }) => text(info.upstreamLocalAddress),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ info }) => info.attempts,
  DOWNSTREAM_LOCAL_ADDRESS: ({ connection }) => formatAddress(connection.localAddress),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ({ connection }) => connection.localAddress.ip,
  DOWNSTREAM_LOCAL_PORT: ({ connection }) => connection.localAddress.port,
  DOWNSTREAM_REMOTE_ADDRESS: ({ connection }) => formatAddress(connection.remoteAddress),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ connection }) => connection.remoteAddress.ip,
  DOWNSTREAM_PEER_URI_SAN: ({ connection }) => text(connection.tls?.peerSpiffeId ?? ''),
  DOWNSTREAM_PEER_SUBJECT: ({ connection }) => text(connection.tls?.peerSubject ?? ''),
  DOWNSTREAM_TLS_VERSION: ({ connection }) => text(connection.tls?.version ?? ''),
  REQUESTED_SERVER_NAME: ({ connection }) => text(connection.requestedServerName),
  ROUTE_NAME: ({ info }) => text(info.routeName),
};

const PSEUDO: Readonly<Record<string, (head: FormatHead) => string>> = {
  ':method': (head) => head.method,
  ':path': (head) => head.path,
  ':authority': (head) => head.authority,
  ':scheme': (head) => head.scheme,
};

function requestHeader(names: readonly string[]): Command {
  const readers = names.map(
    (name) => PSEUDO[name] ?? ((head: FormatHead): string | undefined => head.headers.joined(name)),
  );
  return ({ head }) => {
    for (const read of readers) {
      const value = read(head);
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  };
}

const withoutQuery =
  (header: Command): Command =>
  (subject) =>
    text(String(header(subject) ?? '').replace(/\?.*$/s, ''));

function responseHeader(names: readonly string[]): Command {
  return ({ responseHead }) => {
    for (const name of names) {
      const value = responseHead?.headers.joined(name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function commandNamed(name: string, headers: readonly string[]): Command | undefined {
  if (name === 'REQ') return requestHeader(headers);
  if (name === 'REQ_WITHOUT_QUERY') return withoutQuery(requestHeader(headers));
  if (name === 'RESP') return responseHeader(headers);
  return name === 'START_TIME' ? startTime() : COMMANDS[name];
}

function command(text_: string, field: string): Command {
  const parts = /^([A-Z_]+)(?:\(([^)]*)\))?(?::(\d+))?$/.exec(text_);
  if (parts === null) throw new ConfigProblem(field, `%${text_}% is no format command`);
  const [, name = '', argument, limit] = parts;
  const names = (argument ?? '').toLowerCase().split('?');
  const base = commandNamed(name, names);
  if (base === undefined) throw new ConfigProblem(field, `Not supported field in StreamInfo: ${name}`);
  if (limit === undefined) return base;
  return (subject) => {
    const value = base(subject);
    return value === undefined ? undefined : String(value).slice(0, Number(limit));
  };
}

/**
 * Compiles an Envoy format string: text with `%COMMAND%`, `%REQ(HEADER?ALTERNATIVE)%`, `%RESP(HEADER)%`, `%%`. `empty` stands for what
 * has no value. Unlike Envoy, START_TIME takes no format of its own.
 */
export function compileFormat(format: string, field: string, empty = '-'): Format {
  if (!format.includes('%')) return () => format;
  const pieces = readPieces(format, field);
  return (subject) => {
    let out = '';
    for (const piece of pieces) out += typeof piece === 'string' ? piece : (piece(subject) ?? empty);
    return out;
  };
}

/** Like compileFormat, but a format that is one command only keeps the type of its value; null is none. */
export function compileTypedFormat(
  format: string,
  field: string,
  empty = '-',
): (subject: FormatSubject) => string | number | null {
  const pieces = readPieces(format, field);
  const [single] = pieces;
  if (pieces.length === 1 && typeof single === 'function') return (subject) => single(subject) ?? null;
  return compileFormat(format, field, empty);
}

function readPieces(format: string, field: string): (string | Command)[] {
  const pieces: (string | Command)[] = [];
  let at = 0;
  while (at < format.length) {
    const open = format.indexOf('%', at);
    if (open < 0) {
      pieces.push(format.slice(at));
      break;
    }
    if (open > at) pieces.push(format.slice(at, open));
    const close = format.indexOf('%', open + 1);
    if (close < 0) throw new ConfigProblem(field, `incorrect configuration: "${format}" has an unmatched %`);
    pieces.push(close === open + 1 ? '%' : command(format.slice(open + 1, close), field));
    at = close + 1;
  }
  return pieces;
}
