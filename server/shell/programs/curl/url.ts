import type { FetchInit } from '#workloads';
import { UsageError } from '../../command.ts';
import type { Flags } from '../../flags.ts';

const MAX_REQUESTS = 100;
/** White space and control characters, which no URL has. */
const UNSENT = /[\0-\x20\x7f]/;

/** The URLs of a command, `[1-3]` and `{a,b}` counted out. Throws UsageError. */
export function urlsOf(flags: Flags): string[] {
  const typed = [...flags.all('url'), ...flags.words];
  const all = flags.on('globoff') ? typed : typed.flatMap(countedOut);
  if (all.length > MAX_REQUESTS) throw new UsageError(`curl: (2) at most ${MAX_REQUESTS} requests in one go`, 2);
  return all.map((each) => {
    const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(each) ? each : `http://${each}`;
    if (!URL.canParse(url) || UNSENT.test(url))
      throw new UsageError('curl: (3) URL rejected: Malformed input to a URL function', 3);
    const { protocol } = new URL(url);
    if (protocol !== 'http:' && protocol !== 'https:')
      throw new UsageError(`curl: (1) Protocol "${protocol.slice(0, -1)}" not supported`, 1);
    return url;
  });
}

function countedOut(url: string): string[] {
  const found = /\[(\d{1,9})-(\d{1,9})(?::(\d{1,9}))?\]|\[([a-z])-([a-z])\]|\{([^{}]*)\}/i.exec(url);
  if (!found) return [url];
  const [whole, from, to, step = '1', first, last, list] = found;
  const values: string[] = [];
  if (list !== undefined) values.push(...list.split(','));
  else if (from !== undefined)
    for (let at = Number(from); at <= Number(to) && values.length <= MAX_REQUESTS; at += Math.max(1, Number(step)))
      values.push(String(at).padStart(from.startsWith('0') ? from.length : 0, '0'));
  else
    for (let code = first!.charCodeAt(0); code <= last!.charCodeAt(0); code++) values.push(String.fromCharCode(code));
  return values
    .slice(0, MAX_REQUESTS + 1)
    .flatMap((each) => countedOut(url.slice(0, found.index) + each + url.slice(found.index + whole.length)));
}

/**
 * What is sent where it is not what a browser would send: the host in the letters that were typed, and behind it no more is changed than dot
 * segments, unless the path is to stay as it is, and bytes beyond ASCII.
 */
export function asTyped(url: string, isPathKept: boolean): Pick<FetchInit, 'target'> & { readonly host?: string } {
  const [, authority = '', path = '', query = ''] = /^[^:]+:\/\/([^/?#]*)([^?#]*)([^#]*)/.exec(url) ?? [];
  const rooted = path === '' ? '/' : path;
  const target = inHex((isPathKept ? rooted : withoutDots(rooted)) + query);
  const { host, pathname, search } = new URL(url);
  const typed = authority.slice(authority.lastIndexOf('@') + 1);
  return {
    ...(target !== pathname + search && { target }),
    ...(typed !== host && typed.toLowerCase() === host && { host: typed }),
  };
}

/** Source: RFC 3986 §5.2.4. */
function withoutDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [at, segment] of segments.entries()) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if ((segment === '..' || segment === '.') && at === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

const inHex = (text: string): string =>
  text.replace(/[^\0-\x7f]+/gu, (run) => [...Buffer.from(run)].map((byte) => `%${byte.toString(16)}`).join(''));

/** `--resolve host:port:address` and `--connect-to`: the URL to dial, the name kept in Host and SNI. */
export function redirected(url: string, init: FetchInit, flags: Flags): { url: string; init: FetchInit } {
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
