import { createHash } from 'node:crypto';
import type { SecureVersion } from 'node:tls';
import type { FetchInit } from '#workloads';
import { UsageError } from '../../command.ts';
import { type Flags, readSeconds } from '../../flags.ts';
import { readAll } from '../../language/pipe.ts';
import type { CurlContext } from './context.ts';
import { HELP } from './flags.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
const EXIT_READ = 26;

/** What one curl command sends, besides its URL. */
export interface Sending {
  readonly init: FetchInit;
  /** Header names as they were typed, by their lower-case form. */
  readonly names: ReadonlyMap<string, string>;
  /** What `-G` puts into the query. */
  readonly query: string;
}

interface Body {
  readonly text: string | Buffer;
  readonly contentType: string | undefined;
  readonly method: 'POST' | 'PUT';
}

/** Reads flags, files and standard input. Throws UsageError. */
export async function readSending(flags: Flags, context: CurlContext): Promise<Sending> {
  const data = await dataOf(flags, context);
  const body = await bodyOf(data, flags, context);
  const headers: Record<string, string> = { 'user-agent': flags.text('user-agent') ?? 'curl/8.5.0', accept: '*/*' };
  if (flags.text('json') !== undefined) headers['accept'] = 'application/json';
  if (body?.contentType !== undefined) headers['content-type'] = body.contentType;
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
  const { names, more } = typedHeaders(flags, headers);
  return {
    init: {
      method: flags.text('request') ?? (flags.on('head') ? 'HEAD' : (body?.method ?? 'GET')),
      headers,
      ...(more.length === 0 ? {} : { moreHeaders: more }),
      ...(flags.on('http2') || flags.on('http2-prior-knowledge') ? { http2: true } : {}),
      persistent: true,
      signal: context.io.signal,
      timeoutMs: readTimeout(flags),
      tls: tlsOf(flags, context.read),
      ...(body === undefined ? {} : { body: body.text }),
    },
    names,
    query: flags.on('get') ? data.join('&') : '',
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
    if (at <= 0) throw new UsageError(`curl: Illegally formatted input field\n${HELP}`, 2);
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
    ...versionsOf(flags),
  };
}

const TLS_VERSIONS: Readonly<Record<string, SecureVersion>> = {
  '1.0': 'TLSv1',
  '1.1': 'TLSv1.1',
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

function versionsOf(flags: Flags): Pick<NonNullable<FetchInit['tls']>, 'minVersion' | 'maxVersion'> {
  const least = ['1.2', '1.3'].find((each) => flags.on(`tlsv${each}`));
  const most = TLS_VERSIONS[flags.text('tls-max') ?? ''];
  return {
    ...(least === undefined ? {} : { minVersion: TLS_VERSIONS[least] ?? 'TLSv1.2' }),
    ...(most === undefined ? {} : { maxVersion: most }),
  };
}

function readTimeout(flags: Flags): number {
  const asked = flags.text('max-time') ?? flags.text('connect-timeout');
  if (asked === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = readSeconds(asked);
  if (timeoutMs === undefined)
    throw new UsageError(`curl: option -m: expected a proper numerical parameter\n${HELP}`, 2);
  return Math.min(DEFAULT_TIMEOUT_MS, timeoutMs || DEFAULT_TIMEOUT_MS);
}
