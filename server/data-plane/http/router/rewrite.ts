import type { CompiledRoute, ForwardAction, HostRewrite, RedirectAction } from '../../config/route-table.ts';
import type { RequestHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { appendForwardedHost } from '../inline-headers.ts';

/** Path and authority as the upstream is to see them; those before are kept in x-envoy-original-path and x-envoy-original-host. */
export function rewriteRequest(exchange: Exchange, route: CompiledRoute, action: ForwardAction): void {
  const { head } = exchange;
  const ofShare = exchange.share?.host;
  // As in Envoy, a destination's own host comes first, and nobody is told which it was before.
  if (ofShare !== undefined) head.authority = ofShare;
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
  if (host === '' || host === head.authority) return;
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
      return head.headers.get(rewrite.name);
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
  const rewrite = action.regexRewrite ?? action.templateRewrite;
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

/** Where a redirect points to. */
export function redirectLocation(
  head: RequestHead,
  route: CompiledRoute,
  action: RedirectAction,
  scheme: string,
): string {
  const newScheme = action.scheme ?? scheme;
  const [, givenHost = '', givenPort] = /^(.*?)(?::([^:\]]*))?$/s.exec(head.authority) ?? [];
  const host = action.host ?? givenHost;
  // The old scheme's own port does not come along into another scheme; any other does.
  const isOfOldScheme = newScheme !== scheme && givenPort === (scheme === 'https' ? '443' : '80');
  const kept = isOfOldScheme || action.host !== undefined ? undefined : givenPort;
  const port = action.port === undefined ? kept : String(action.port);
  const { path, rest } = split(head.path);
  let target = path;
  if (action.path !== undefined) target = action.path;
  else if (action.prefixRewrite !== undefined) target = replacePrefix(path, route, action.prefixRewrite);
  else if (action.regexRewrite !== undefined) target = action.regexRewrite(path);
  const query = target.includes('?') || action.stripsQuery ? '' : rest;
  return `${newScheme}://${host}${port === undefined ? '' : `:${port}`}${target}${query}`;
}
