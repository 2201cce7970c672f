import { STATUS_CODES } from 'node:http';
import { type Clock, errorMessage } from '#domain';
import type { FetchInit, FetchResponse } from '#workloads';
import { type CommandIo, UsageError } from '../command.ts';
import { type FlagDialect, type FlagSpec, type Flags, many, onOff, readFlags, readSeconds, value } from '../flags.ts';

type Fetch = (url: string, init?: FetchInit) => Promise<FetchResponse>;

export const CURL_MANUAL = `curl [options] <url>
Sends one HTTP request. Here it runs outside the cluster and reaches the ingress gateway; inside a pod:
  kubectl exec deploy/frontend -- curl -s http://reviews:9080/reviews/0
Options: -s quiet · -i head and body · -I head only · -v the conversation · -o file · -w '%{http_code}' · -H 'name: value'
         -X method · -d data · -m seconds · -b cookies · -L follow redirects`;

/** curl's flags by their long names. */
export const CURL_FLAGS: FlagSpec = {
  silent: onOff('s'),
  'show-error': onOff('S'),
  include: onOff('i'),
  head: onOff('I'),
  verbose: onOff('v'),
  fail: onOff('f'),
  'fail-with-body': onOff(),
  location: onOff('L'),
  insecure: onOff('k'),
  'http1.1': onOff(),
  http2: onOff(),
  'no-buffer': onOff('N'),
  globoff: onOff('g'),
  get: onOff('G'),
  compressed: onOff(),
  'no-progress-meter': onOff(),
  output: value('o'),
  'write-out': value('w'),
  header: many('H'),
  request: value('X'),
  data: many('d'),
  'data-raw': many(),
  'data-binary': many(),
  'data-urlencode': many(),
  json: value(),
  user: value('u'),
  cacert: value(),
  cert: value('E'),
  key: value(),
  resolve: many(),
  'connect-to': many(),
  retry: value(),
  'retry-delay': value(),
  'max-time': value('m'),
  'connect-timeout': value(),
  cookie: value('b'),
  'user-agent': value('A'),
  url: value(),
};

const MAX_REDIRECTS = 50;
const DEFAULT_TIMEOUT_MS = 60_000;
const HELP = "curl: try 'man curl' for what it knows here";

const dialect: FlagDialect = {
  unknownLong: (flag) => new UsageError(`curl: option ${flag}: is unknown\n${HELP}`, 2),
  unknownShort: (letter) => new UsageError(`curl: option -${letter}: is unknown\n${HELP}`, 2),
  needsValue: (name) =>
    new UsageError(`curl: option ${name.startsWith('-') ? name : `-${name}`}: requires parameter\n${HELP}`, 2),
};

export interface CurlContext {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Where certificates and `-d @file` are read from. */
  read?(path: string): string | undefined;
  /** Where `-o file` writes; absent inside a pod, whose files nobody sees. */
  save?(path: string, text: string): void;
}

/** Runs curl with a given way to fetch: from outside, or from inside a pod. Exit codes are curl's own. */
export async function runCurl(args: readonly string[], context: CurlContext): Promise<number> {
  const { io } = context;
  const flags = readFlags(args, CURL_FLAGS, dialect);
  const [typed = flags.text('url'), ...more] = flags.words;
  if (typed === undefined) throw new UsageError(`curl: (2) no URL specified\n${HELP}`, 2);
  if (more.length > 0) throw new UsageError('curl: (2) this terminal sends one request at a time', 2);
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(url)) throw new UsageError('curl: (3) URL rejected: Malformed input to a URL function', 3);
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new UsageError(`curl: (1) Protocol "${protocol.slice(0, -1)}" not supported`, 1);
  const init = requestOf(flags, context);
  const format = flags.text('write-out');
  const startedMs = context.clock.monotonic();
  const seconds = (): number => (context.clock.monotonic() - startedMs) / 1000;
  try {
    const response = await send(withQuery(url, flags), init, { flags, context });
    if (format !== undefined) io.out(writeOut(format, response, seconds()));
    if (!(flags.on('fail') || flags.on('fail-with-body')) || response.status < 400) return 0;
    if (!flags.on('silent') || flags.on('show-error'))
      io.err(`curl: (22) The requested URL returned error: ${response.status}\n`);
    return 22;
  } catch (error) {
    if (io.signal.aborted) return 130;
    const { code, text } = curlError(error, url, init.timeoutMs);
    if (!flags.on('silent') || flags.on('show-error')) io.err(`curl: (${code}) ${text}\n`);
    if (format !== undefined) io.out(writeOut(format, undefined, seconds()));
    return code;
  }
}

/** Sends the request, follows redirects where asked to, and prints each answer. */
async function send(
  url: string,
  init: FetchInit,
  { flags, context }: { readonly flags: Flags; readonly context: CurlContext },
): Promise<FetchResponse> {
  let at = url;
  for (let hop = 0; ; hop++) {
    const target = redirected(at, init, flags);
    const response = await context.fetch(target.url, target.init);
    const { location } = response.headers;
    const follows = flags.on('location') && response.status >= 300 && response.status < 400 && location !== undefined;
    if (follows && hop === MAX_REDIRECTS) throw new CurlFailure(47, `Maximum (${MAX_REDIRECTS}) redirects followed`);
    print({ flags, context, init, url: at, response, bodyToo: !follows });
    if (!follows) return response;
    at = new URL(location, at).href;
  }
}

class CurlFailure extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** `-G`: what `-d` says goes into the query. */
function withQuery(url: string, flags: Flags): string {
  if (!flags.on('get') || flags.all('data').length === 0) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${flags.all('data').join('&')}`;
}

function bodyOf(flags: Flags, read: CurlContext['read']): string | undefined {
  const fromFile = (text: string): string => {
    if (!text.startsWith('@')) return text;
    const file = read?.(text.slice(1));
    if (file === undefined) throw new UsageError(`curl: option -d: error encountered when reading a file\n${HELP}`, 26);
    return file;
  };
  const parts = [
    ...flags.all('data').map((text) => fromFile(text).replace(/[\r\n]/g, '')),
    ...flags.all('data-raw'),
    ...flags.all('data-binary').map(fromFile),
    ...flags.all('data-urlencode').map((text) => {
      const equals = text.indexOf('=');
      return `${text.slice(0, equals + 1)}${encodeURIComponent(text.slice(equals + 1))}`;
    }),
  ];
  return flags.text('json') ?? (parts.length === 0 || flags.on('get') ? undefined : parts.join('&'));
}

function requestOf(flags: Flags, { io, read }: CurlContext): FetchInit {
  const body = bodyOf(flags, read);
  const headers: Record<string, string> = { 'user-agent': flags.text('user-agent') ?? 'curl/8.5.0', accept: '*/*' };
  if (flags.text('json') !== undefined) headers['content-type'] = headers['accept'] = 'application/json';
  else if (body !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
  const cookie = flags.text('cookie');
  if (cookie !== undefined) headers['cookie'] = cookie;
  const user = flags.text('user');
  if (user !== undefined) headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
  for (const line of flags.all('header')) {
    const at = line.search(/[:;]/);
    if (at <= 0) throw new UsageError(`curl: the header "${line}" needs the form "name: value"`, 2);
    const name = line.slice(0, at).trim().toLowerCase();
    const text = line.slice(at + 1).trim();
    // `-H 'accept:'` takes a header away, `-H 'x-a;'` sends it empty.
    if (text === '' && line[at] === ':') delete headers[name];
    else headers[name] = text;
  }
  return {
    method: flags.text('request') ?? (flags.on('head') ? 'HEAD' : body === undefined ? 'GET' : 'POST'),
    headers,
    signal: io.signal,
    timeoutMs: readTimeout(flags),
    tls: tlsOf(flags, read),
    ...(body === undefined ? {} : { body }),
  };
}

function tlsOf(flags: Flags, read: CurlContext['read']): NonNullable<FetchInit['tls']> {
  const file = (flag: string): string | undefined => {
    const path = flags.text(flag);
    if (path === undefined) return undefined;
    const text = read?.(path);
    if (text === undefined) throw new UsageError(`curl: (77) error setting certificate file: ${path}`, 77);
    return text;
  };
  const [ca, cert, key] = [file('cacert'), file('cert'), file('key')];
  return {
    ...(flags.on('insecure') ? { insecure: true } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** `--resolve host:port:address` and `--connect-to`: the URL to dial, the name kept in Host and SNI. */
function redirected(url: string, init: FetchInit, flags: Flags): { url: string; init: FetchInit } {
  const target = new URL(url);
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  for (const rule of flags.all('resolve')) {
    const [, host, at, address] = /^\+?([^:]+):(\d+):(.+)$/.exec(rule) ?? [];
    if (address !== undefined && (host === target.hostname || host === '*') && at === port)
      return moved(target, init, { hostname: address, port });
  }
  for (const rule of flags.all('connect-to')) {
    const [host = '', at = '', toHost = '', toPort = ''] = rule.split(':');
    if ((host === '' || host === target.hostname) && (at === '' || at === port))
      return moved(target, init, { hostname: toHost || target.hostname, port: toPort || port });
  }
  return { url, init };
}

function moved(target: URL, init: FetchInit, to: { readonly hostname: string; readonly port: string }) {
  const { host, hostname } = target;
  const dialled = new URL(target);
  dialled.hostname = to.hostname;
  dialled.port = to.port;
  const tls = { serverName: hostname, ...init.tls };
  return { url: dialled.href, init: { ...init, tls, headers: { host, ...init.headers } } };
}

function readTimeout(flags: Flags): number {
  const asked = flags.text('max-time') ?? flags.text('connect-timeout');
  if (asked === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = readSeconds(asked);
  if (timeoutMs === undefined)
    throw new UsageError(`curl: option -m: expected a proper numerical parameter\n${HELP}`, 2);
  return Math.min(DEFAULT_TIMEOUT_MS, timeoutMs || DEFAULT_TIMEOUT_MS);
}

interface Printed {
  readonly flags: Flags;
  readonly context: CurlContext;
  readonly init: FetchInit;
  readonly url: string;
  readonly response: FetchResponse;
  readonly bodyToo: boolean;
}

function print({ flags, context, init, url, response, bodyToo }: Printed): void {
  const { io } = context;
  const head = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`.trimEnd()];
  for (const [name, text] of Object.entries(response.headers)) head.push(`${name}: ${text}`);
  if (flags.on('verbose')) {
    const target = new URL(url);
    const sent = [`${init.method} ${target.pathname}${target.search} HTTP/1.1`];
    if (init.headers?.['host'] === undefined) sent.push(`Host: ${target.host}`);
    for (const [name, text] of Object.entries(init.headers ?? {})) sent.push(`${name}: ${text}`);
    io.err(
      `${[...sent, ''].map((line) => `> ${line}\n`).join('')}${[...head, ''].map((line) => `< ${line}\n`).join('')}`,
    );
  }
  const headText = flags.on('include') || flags.on('head') ? `${head.join('\n')}\n\n` : '';
  const body = bodyToo && !flags.on('head') ? response.body.toString('utf8') : '';
  const file = flags.text('output');
  if (file === undefined || file === '-') io.out(headText + body);
  else if (file !== '/dev/null' && bodyToo) context.save?.(file, headText + body);
}

/** curl's own number and text for a failure to get an answer at all. */
function curlError(error: unknown, url: string, timeoutMs: number | undefined): { code: number; text: string } {
  const { hostname, port, protocol } = new URL(url);
  if (error instanceof CurlFailure) return { code: error.exitCode, text: error.message };
  const code = (error as { code?: string } | null)?.code ?? '';
  const message = errorMessage(error);
  if (error instanceof Error && error.name === 'TimeoutError')
    return { code: 28, text: `Operation timed out after ${timeoutMs} milliseconds with 0 bytes received` };
  if (code === 'ENOTFOUND') return { code: 6, text: `Could not resolve host: ${hostname}` };
  const tls = tlsError(error, code, message);
  if (tls !== undefined) return tls;
  if (code === 'ECONNREFUSED')
    return {
      code: 7,
      text: `Failed to connect to ${hostname} port ${port || (protocol === 'https:' ? 443 : 80)} after 0 ms: Couldn't connect to server`,
    };
  if (code === 'ECONNRESET' && /hang up/.test(message)) return { code: 52, text: 'Empty reply from server' };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { code: 56, text: 'Recv failure: Connection reset by peer' };
  return { code: 7, text: message };
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
    return { code: 60, text: `SSL certificate problem: ${message.split(';')[0]}` };
  }
  return undefined;
}

function writeOut(format: string, response: FetchResponse | undefined, seconds: number): string {
  return format
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/%\{([a-z_]+)\}/g, (whole, name: string) => {
      if (name === 'http_code' || name === 'response_code') return String(response?.status ?? 0).padStart(3, '0');
      if (name === 'time_total') return seconds.toFixed(6);
      if (name === 'size_download') return String(response?.body.length ?? 0);
      if (name === 'content_type') return response?.headers['content-type'] ?? '';
      return whole;
    });
}
