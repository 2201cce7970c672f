import type { CompiledRoute, ForwardAction, HostRewrite, RedirectAction } from '../../config/route-table.ts';
import type { RequestHead } from '../codec.ts';

/** Path and authority as the upstream is to see them; those before are kept in x-envoy-original-path and x-envoy-original-host. */
export function rewriteRequest(head: RequestHead, route: CompiledRoute, action: ForwardAction): void {
  const host = rewrittenHost(head, action.hostRewrite);
  if (host !== undefined) rewriteHost(head, action, host);
  const rewritten = rewrittenPath(head.path, route, action);
  if (rewritten === undefined) return;
  head.headers.set('x-envoy-original-path', head.path);
  head.path = rewritten;
}

/** Gives the request another host, also once the one that serves it is chosen. */
export function rewriteHost(head: RequestHead, { tellsForwardedHost }: ForwardAction, host: string): void {
  if (host === '' || host === head.authority) return;
  if (tellsForwardedHost) head.headers.add('x-forwarded-host', head.authority);
  head.headers.set('x-envoy-original-host', head.authority);
  head.authority = host;
}

function rewrittenHost(head: RequestHead, rewrite: HostRewrite | undefined): string | undefined {
  switch (rewrite?.kind) {
    case 'literal':
      return rewrite.host;
    case 'header':
      return head.headers.get(rewrite.name);
    case 'path':
      return rewrite.rewrite(split(head.path).path);
    default:
      return undefined;
  }
}

/** The new path, or undefined when the route rewrites nothing. */
export function rewrittenPath(pathAndQuery: string, route: CompiledRoute, action: ForwardAction): string | undefined {
  if (action.prefixRewrite !== undefined) return replacePrefix(pathAndQuery, route, action.prefixRewrite);
  if (action.regexRewrite === undefined) return undefined;
  const { path, rest } = split(pathAndQuery);
  const replaced = action.regexRewrite(path);
  // A path cannot be empty: it stays as it is.
  return replaced === '' ? undefined : replaced + rest;
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
