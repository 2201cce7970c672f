import { PSEUDO_HEADERS } from '../../config/route-condition.ts';
import type { CompiledRoute, ForwardAction, HostRewrite, RedirectAction } from '../../config/route-table.ts';
import type { RequestHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { appendForwardedHost } from '../inline-headers.ts';

/** Path and authority as the upstream is to see them; those before are kept in x-envoy-original-path and x-envoy-original-host. */
export function rewriteRequest(exchange: Exchange, route: CompiledRoute, action: ForwardAction): void {
  const { head } = exchange;
  const host = rewrittenHost(exchange, action.hostRewrite);
  if (host !== undefined) rewriteHost(head, action, host);
  const rewritten =
    action.pathFormat === undefined
      ? rewrittenPath(head.path, route, action)
      : formattedPath(head.path, action.pathFormat(exchange));
  if (rewritten === undefined) return;
  head.headers.set('x-envoy-original-path', head.path);
  head.path = rewritten;
}

/** Gives the request another host, also once the one that serves it is chosen. */
export function rewriteHost(head: RequestHead, { tellsForwardedHost }: ForwardAction, host: string): void {
  if (host === '') return;
  if (tellsForwardedHost) appendForwardedHost(head.headers, head.authority);
  head.headers.set('x-envoy-original-host', head.authority);
  head.authority = host;
}

/** A path that a format has made keeps the query that the request has. */
function formattedPath(pathAndQuery: string, made: string): string | undefined {
  if (made === '') return undefined;
  return made + split(pathAndQuery).rest;
}

function rewrittenHost(exchange: Exchange, rewrite: HostRewrite | undefined): string | undefined {
  const { head } = exchange;
  switch (rewrite?.kind) {
    case 'literal':
      return rewrite.host;
    case 'header':
      return PSEUDO_HEADERS[rewrite.name]?.(head) ?? head.headers.get(rewrite.name);
    case 'path':
      return rewrite.rewrite(split(head.path).path);
    case 'format':
      return rewrite.write(exchange);
    default:
      return undefined;
  }
}

/** The new path, or undefined when the route rewrites nothing. */
export function rewrittenPath(pathAndQuery: string, route: CompiledRoute, action: ForwardAction): string | undefined {
  if (action.prefixRewrite !== undefined) return replacePrefix(pathAndQuery, route, action.prefixRewrite);
  return replaceByRegex(pathAndQuery, action.regexRewrite ?? action.templateRewrite);
}

function replaceByRegex(
  pathAndQuery: string,
  rewrite: ((path: string) => string | undefined) | undefined,
): string | undefined {
  if (rewrite === undefined) return undefined;
  const { path, rest } = split(pathAndQuery);
  const replaced = rewrite(path);
  // A path cannot be empty: it stays as it is.
  return replaced === undefined || replaced === '' ? undefined : replaced + rest;
}

function replacePrefix(pathAndQuery: string, route: CompiledRoute, replacement: string): string {
  const { match } = route;
  const { path, rest } = split(pathAndQuery);
  // A regular expression matches the whole path, so all of it is replaced.
  const matched = match.path ?? match.prefix ?? match.path_separated_prefix ?? path;
  return replacement + path.slice(matched.length) + rest;
}

function split(pathAndQuery: string): { path: string; rest: string } {
  const mark = pathAndQuery.indexOf('?');
  return mark < 0
    ? { path: pathAndQuery, rest: '' }
    : { path: pathAndQuery.slice(0, mark), rest: pathAndQuery.slice(mark) };
}

/** As for a request that is sent on: the path is rewritten, and that before is kept, so that logs and headers tell both. */
export function rewriteRedirected(head: RequestHead, route: CompiledRoute, action: RedirectAction): void {
  const rewritten = redirectedPath(head.path, route, action);
  if (rewritten === undefined) return;
  head.headers.set('x-envoy-original-path', head.path);
  head.path = rewritten;
}

function redirectedPath(pathAndQuery: string, route: CompiledRoute, action: RedirectAction): string | undefined {
  if (action.path !== undefined) return undefined;
  if (action.prefixRewrite !== undefined) return replacePrefix(pathAndQuery, route, action.prefixRewrite);
  return replaceByRegex(pathAndQuery, action.regexRewrite);
}

/** Where a redirect points to, once the path is rewritten. Source: RouteEntryImplBase::newUri in Envoy. */
export function redirectLocation(head: RequestHead, action: RedirectAction): string {
  const scheme = action.scheme ?? head.scheme;
  const port = action.port === undefined ? '' : `:${action.port}`;
  const host = action.host ?? hostWithoutOldPort(head, scheme, port);
  const target = redirectTarget(head.path, action);
  return `${scheme}://${host}${port}${target.startsWith('/') ? '' : '/'}${target}`;
}

/** The client's port gives way to a new one, and that of the old scheme does not come along into another scheme. */
function hostWithoutOldPort({ authority, headers }: RequestHead, scheme: string, newPort: string): string {
  const [, host = authority, port] = /^(.*?)(?::([^:\]]*))?$/s.exec(authority) ?? [];
  const came = headers.get('x-forwarded-proto')?.toLowerCase();
  const isOfOldScheme = (came === 'https' && port === '443') || (came === 'http' && port === '80');
  return newPort !== '' || (scheme !== came && isOfOldScheme) ? host : authority;
}

/** A query of the new path itself stays; that of the request comes along or is dropped. */
function redirectTarget(pathAndQuery: string, { path, stripsQuery }: RedirectAction): string {
  if (path?.includes('?')) return path;
  const kept = split(pathAndQuery);
  return (path ?? kept.path) + (stripsQuery ? '' : kept.rest);
}
