import { createHash } from 'node:crypto';
import type { ClientProxy, FetchInit } from '#workloads';
import { UsageError } from '../../command.ts';
import { type Flags, readSeconds } from '../../flags.ts';
import { readAll } from '../../language/pipe.ts';
import type { CurlContext } from './context.ts';
import { HELP } from './flags.ts';
import { proxyOf } from './proxy.ts';
import { tlsOf } from './tls.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
const EXIT_READ = 26;

/** What one curl command sends, besides its URL. */
export interface Sending {
  readonly init: FetchInit;
  /** Header names as they were typed, by their lower-case form. */
  readonly names: ReadonlyMap<string, string>;
  /** What `-G` and `--url-query` put into the query. */
  readonly query: string;
  /** Whom `-x` names, for the hosts that `--noproxy` does not. */
  readonly proxy: (hostname: string) => ClientProxy | undefined;
}

interface Body {
  readonly text: string | Buffer;
  readonly contentType: string | undefined;
  readonly method: 'POST' | 'PUT';
}

/** Reads flags, files and standard input. Throws UsageError. */
export async function readSending(flags: Flags, context: CurlContext): Promise<Sending> {
  const data = await dataOf(flags, context);
  if (flags.on('head') && data.length > 0 && !flags.on('get')) {
    const both = 'You asked for both POST (-d, --data) and HEAD (-I, --head).';
    throw new UsageError(`Warning: You can only select one HTTP request method! ${both}`, 2);
  }
  const body = await bodyOf(data, flags, context);
  const headers: Record<string, string> = { 'user-agent': flags.text('user-agent') ?? 'curl/8.5.0', accept: '*/*' };
  if (flags.text('json') !== undefined) headers['accept'] = 'application/json';
  if (body?.contentType !== undefined) headers['content-type'] = body.contentType;
  if (headers['user-agent'] === '') delete headers['user-agent'];
  const given = { cookie: 'cookie', referer: 'referer' } as const;
  for (const [flag, name] of Object.entries(given)) {
    const text = flags.text(flag);
    if (text !== undefined) headers[name] = text;
  }
  const range = flags.text('range');
  if (range !== undefined) headers['range'] = `bytes=${range}`;
  if (flags.on('compressed')) headers['accept-encoding'] = 'deflate, gzip, br, zstd';
  const user = flags.text('user');
  if (user !== undefined) headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
  const bearer = flags.text('oauth2-bearer');
  if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
  const { names, more } = typedHeaders(flags, headers);
  return {
    init: {
      method: flags.text('request') ?? (flags.on('head') ? 'HEAD' : (body?.method ?? 'GET')),
      headers,
      ...(more.length === 0 ? {} : { moreHeaders: more }),
      ...(flags.on('http1.0') ? { http10: true } : {}),
      ...(flags.on('http2') || flags.on('http2-prior-knowledge') ? { http2: true } : {}),
      persistent: true,
      signal: context.io.signal,
      ...timeoutsOf(flags),
      tls: tlsOf(flags, context.read),
      ...(body === undefined ? {} : { body: body.text }),
    },
    names,
    query: [...(flags.on('get') ? data : []), ...flags.all('url-query').map(queryPart)].join('&'),
    proxy: proxyOf(flags),
  };
}

/** `-H`: sets a header, again one line more; `-H 'accept:'` takes one away, `-H 'x-a;'` sends it empty. */
function typedHeaders(
  flags: Flags,
  headers: Record<string, string>,
): { readonly names: Map<string, string>; readonly more: [name: string, value: string][] } {
  const names = new Map<string, string>();
  const more: [name: string, value: string][] = [];
  for (const line of flags.all('header')) {
    const at = line.search(/[:;]/);
    if (at <= 0) throw new UsageError(`curl: the header "${line}" needs the form "name: value"`, 2);
    const typed = line.slice(0, at).trim();
    const name = typed.toLowerCase();
    const text = line.slice(at + 1).trim();
    const isFirst = !names.has(name);
    names.set(name, typed);
    if (text === '' && line[at] === ':') delete headers[name];
    else if (isFirst || name === 'host') headers[name] = text;
    else more.push([name, text]);
  }
  return { names, more };
}

function fileText(path: string, { read }: CurlContext, flag: string): string {
  const text = read?.(path);
  if (text === undefined)
    throw new UsageError(`curl: option ${flag}: error encountered when reading a file\n${HELP}`, EXIT_READ);
  return text;
}

/** The parts of `-d` and its kin, ready to be joined. */
async function dataOf(flags: Flags, context: CurlContext): Promise<string[]> {
  const from = async (text: string, flag: string): Promise<string> => {
    if (!text.startsWith('@')) return text;
    return text === '@-' ? readAll(context.io.stdin) : fileText(text.slice(1), context, flag);
  };
  const parts: string[] = [];
  for (const text of [...flags.all('data'), ...flags.all('data-ascii')])
    parts.push((await from(text, '-d')).replace(/[\r\n]/g, text.startsWith('@') ? '' : '$&'));
  parts.push(...flags.all('data-raw'));
  for (const text of flags.all('data-binary')) parts.push(await from(text, '--data-binary'));
  for (const text of flags.all('data-urlencode')) {
    const [, name = '', sign = '', rest = ''] = /^([^=@]*)([=@]?)([\s\S]*)$/.exec(text) ?? [];
    const plain = sign === '' ? text : sign === '@' ? await from(`@${rest}`, '--data-urlencode') : rest;
    parts.push(`${sign !== '' && name !== '' ? `${name}=` : ''}${urlEncoded(plain)}`);
  }
  return parts;
}

/** `--url-query`: as --data-urlencode, but for `+text`, which is taken as it is. */
const queryPart = (text: string): string => {
  if (text.startsWith('+')) return text.slice(1);
  const at = text.indexOf('=');
  return at < 0 ? urlEncoded(text) : `${at === 0 ? '' : text.slice(0, at + 1)}${urlEncoded(text.slice(at + 1))}`;
};

/** As curl does it: everything but letters, digits, - . _ and ~. */
const urlEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

async function bodyOf(data: readonly string[], flags: Flags, context: CurlContext): Promise<Body | undefined> {
  const upload = flags.text('upload-file');
  if (upload !== undefined) {
    const text = upload === '-' || upload === '.' ? await readAll(context.io.stdin) : context.read?.(upload);
    if (text === undefined) throw new UsageError(`curl: Can't open '${upload}'!\n${HELP}`, EXIT_READ);
    return { text, contentType: undefined, method: 'PUT' };
  }
  const json = flags.text('json');
  if (json !== undefined) {
    const text = json.startsWith('@') ? fileText(json.slice(1), context, '--json') : json;
    return { text, contentType: 'application/json', method: 'POST' };
  }
  const fields = [...flags.all('form'), ...flags.all('form-string')];
  if (fields.length > 0) return multipart(fields, flags, context);
  if (data.length === 0 || flags.on('get')) return undefined;
  return { text: data.join('&'), contentType: 'application/x-www-form-urlencoded', method: 'POST' };
}

/** `name=value`, `name=@file;type=text/plain;filename=a`, `name=<file`. Source: RFC 7578. */
function multipart(fields: readonly string[], flags: Flags, context: CurlContext): Body {
  const plain = new Set(flags.all('form-string'));
  const parts = fields.map((field) => {
    const at = field.indexOf('=');
    if (at <= 0) {
      const why = 'Warning: Illegally formatted input field!\ncurl: option -F: is badly used here';
      throw new UsageError(`${why}\n${HELP}`, 2);
    }
    const [name, rest] = [field.slice(0, at), field.slice(at + 1)];
    if (plain.has(field)) return { head: `name="${name}"`, type: undefined, text: rest };
    const [, sign = '', content = '', options = ''] = /^([@<]?)((?:[^;]|;(?!type=|filename=))*)(.*)$/s.exec(rest) ?? [];
    const type = /;type=([^;]+)/.exec(options)?.[1];
    if (sign === '') return { head: `name="${name}"`, type, text: content };
    const text = context.read?.(content);
    if (text === undefined)
      throw new UsageError('curl: (26) Failed to open/read local data from file/application', EXIT_READ);
    if (sign === '<') return { head: `name="${name}"`, type, text };
    const file = /;filename=([^;]+)/.exec(options)?.[1] ?? content.split('/').at(-1) ?? content;
    return { head: `name="${name}"; filename="${file}"`, type: type ?? 'application/octet-stream', text };
  });
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 22);
  const boundary = `------------------------${hash}`;
  const pieces = parts.map(
    ({ head, type, text }) =>
      `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n${text}\r\n`,
  );
  return {
    text: `${pieces.join('')}--${boundary}--\r\n`,
    contentType: `multipart/form-data; boundary=${boundary}`,
    method: 'POST',
  };
}

/** `-m` bounds all of it, `--connect-timeout` the connection alone. */
function timeoutsOf(flags: Flags): Pick<FetchInit, 'timeoutMs' | 'connectTimeoutMs'> {
  const given = (flag: string, told: string): number | undefined => {
    const asked = flags.text(flag);
    if (asked === undefined) return undefined;
    const ms = readSeconds(asked);
    if (ms === undefined)
      throw new UsageError(`curl: option ${told}: expected a proper numerical parameter\n${HELP}`, 2);
    return ms || undefined;
  };
  const connectTimeoutMs = given('connect-timeout', '--connect-timeout');
  return {
    timeoutMs: Math.min(DEFAULT_TIMEOUT_MS, given('max-time', '-m') ?? DEFAULT_TIMEOUT_MS),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  };
}
