import type {
  CorsPolicySpec,
  HeaderOperations,
  Headers,
  HttpMirror,
  HttpRedirect,
  HttpRewrite,
  HttpRoute,
  StringMatch,
} from '../snapshot/istio-types.ts';
import { type Fault, joinFaults } from './conditions.ts';
import { type BackendOwner, backendDestination } from './destinations.ts';
import type { ReferenceContext } from './reference-context.ts';
import type {
  CorsFilter,
  HeaderField,
  HeaderFilter,
  RequestMirror,
  RequestRedirect,
  RouteFilter,
  UrlRewrite,
} from './types.ts';

export type FilteredParts = Pick<HttpRoute, 'headers' | 'redirect' | 'rewrite' | 'mirrors' | 'corsPolicy'>;

export interface AppliedFilters {
  readonly parts: FilteredParts;
  /** Field of the VirtualService's rule → field of the route's rule. */
  readonly places: Readonly<Record<string, string>>;
  /** A mirror that leads nowhere; the rest is in force. */
  readonly fault?: Fault | undefined;
}

/** Filters of GRPCRoutes are those that leave the call what it is. */
const GRPC_FILTERS: ReadonlySet<string> = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror']);

/** What a rule's filters do, in the fields of a VirtualService. */
export function applyFilters(
  filters: readonly RouteFilter[],
  owner: BackendOwner,
  context: ReferenceContext,
): AppliedFilters | { readonly fatal: Fault } {
  const parts: { -readonly [Part in keyof FilteredParts]: FilteredParts[Part] } = {};
  const mirrors: HttpMirror[] = [];
  const places: Record<string, string> = {};
  let fault: Fault | undefined;
  for (const [index, filter] of filters.entries()) {
    const at = `.filters[${index}]`;
    if (owner.kind === 'GRPCRoute' && !GRPC_FILTERS.has(filter.type)) return unsupported(filter);
    switch (filter.type) {
      case 'RequestHeaderModifier':
      case 'ResponseHeaderModifier': {
        const result = headerFilter(filter, parts.headers);
        if ('fatal' in result) return result;
        parts.headers = result.headers;
        Object.assign(places, headerPlaces(filter, at));
        break;
      }
      case 'RequestRedirect':
        if (filter.requestRedirect === undefined) break;
        parts.redirect = redirect(filter.requestRedirect);
        places['.redirect'] = `${at}.requestRedirect`;
        break;
      case 'RequestMirror': {
        if (filter.requestMirror === undefined) break;
        const result = mirror(filter.requestMirror, owner, context);
        if ('fault' in result) {
          if (owner.kind === 'GRPCRoute') return { fatal: result.fault };
          fault = joinFaults(fault, result.fault);
          break;
        }
        places['.mirrors'] ??= `${at}.requestMirror`;
        places[`.mirrors[${mirrors.length}]`] = `${at}.requestMirror`;
        mirrors.push(result.mirror);
        break;
      }
      case 'URLRewrite': {
        const rewrite = urlRewrite(filter.urlRewrite ?? {});
        if (rewrite !== undefined) parts.rewrite = rewrite;
        Object.assign(places, rewritePlaces(at));
        break;
      }
      case 'CORS':
        if (filter.cors === undefined) break;
        parts.corsPolicy = cors(filter.cors);
        places['.corsPolicy'] = `${at}.cors`;
        break;
      default:
        return unsupported(filter);
    }
  }
  return { parts: { ...parts, ...(mirrors.length > 0 && { mirrors }) }, places, fault };
}

const unsupported = ({ type }: RouteFilter): { readonly fatal: Fault } => ({
  fatal: { reason: 'InvalidFilter', message: `unsupported filter type "${type}"` },
});

/** Filters on one backend: only headers can differ from backend to backend. */
export function backendHeaders(
  filters: readonly RouteFilter[],
): { readonly headers: Headers | undefined } | { readonly fatal: Fault } {
  let headers: Headers | undefined;
  for (const filter of filters) {
    if (filter.type !== 'RequestHeaderModifier' && filter.type !== 'ResponseHeaderModifier') return unsupported(filter);
    const result = headerFilter(filter, headers);
    if ('fatal' in result) return result;
    headers = result.headers;
  }
  return { headers };
}

function headerFilter(
  { type, requestHeaderModifier, responseHeaderModifier }: RouteFilter,
  present: Headers | undefined,
): { readonly headers: Headers } | { readonly fatal: Fault } {
  const isRequest = type === 'RequestHeaderModifier';
  const modifier = isRequest ? requestHeaderModifier : responseHeaderModifier;
  if (modifier === undefined) return { headers: present ?? {} };
  const bad = [...(modifier.set ?? []), ...(modifier.add ?? [])].find(({ value }) => !isHeaderValue(value));
  if (bad !== undefined) {
    return {
      fatal: { reason: 'InvalidFilter', message: `header "${bad.name}" value contains invalid characters` },
    };
  }
  const operations = headerOperations(modifier);
  return { headers: { ...present, ...(isRequest ? { request: operations } : { response: operations }) } };
}

const headerOperations = ({ set, add, remove }: HeaderFilter): HeaderOperations => ({
  ...(add?.length && { add: firstByName(add) }),
  ...(remove?.length && { remove }),
  ...(set?.length && { set: firstByName(set) }),
});

/** Of several fields with one name the first counts. */
function firstByName(fields: readonly HeaderField[]): Record<string, string> {
  const first: Record<string, string> = {};
  for (const { name, value } of fields) first[name.toLowerCase()] ??= value;
  return first;
}

/** Tabs and everything from the space on, except DEL. */
function isHeaderValue(value: string): boolean {
  return [...value].every((char) => char === '\t' || (char >= ' ' && char !== '\x7f'));
}

function headerPlaces({ type }: RouteFilter, at: string): Record<string, string> {
  const side = type === 'RequestHeaderModifier' ? 'request' : 'response';
  const place = `${at}.${side}HeaderModifier`;
  return { '.headers': place, [`.headers.${side}`]: place, [`.headers.${side}.remove`]: `${place}.remove` };
}

function redirect({ scheme, hostname, path, port, statusCode }: RequestRedirect): HttpRedirect {
  return {
    ...(statusCode !== undefined && { redirectCode: statusCode }),
    ...(hostname !== undefined && { authority: hostname }),
    ...(scheme !== undefined && { scheme }),
    ...(port === undefined
      ? { derivePort: scheme === undefined ? 'FROM_REQUEST_PORT' : 'FROM_PROTOCOL_DEFAULT' }
      : { port }),
    ...(path?.type === 'ReplaceFullPath' && { uri: path.replaceFullPath ?? '' }),
    ...(path?.type === 'ReplacePrefixMatch' && { prefixRewrite: path.replacePrefixMatch ?? '' }),
  };
}

function mirror(
  { backendRef, percent, fraction }: RequestMirror,
  owner: BackendOwner,
  context: ReferenceContext,
): { readonly mirror: HttpMirror } | { readonly fault: Fault } {
  const result = backendDestination(backendRef, owner, context);
  if ('fatal' in result) return { fault: result.fatal };
  if (result.fault !== undefined) return { fault: result.fault };
  const share = fraction === undefined ? percent : (100 * fraction.numerator) / (fraction.denominator ?? 100);
  return {
    mirror: { destination: result.destination, ...(share !== undefined && { percentage: { value: share } }) },
  };
}

/** Undefined: it changes nothing. Replacing a prefix by `/` takes it away. */
function urlRewrite({ hostname, path }: UrlRewrite): HttpRewrite | undefined {
  const rewrite: HttpRewrite = {
    ...(path?.type === 'ReplacePrefixMatch' && { uri: (path.replacePrefixMatch ?? '').replace(/\/$/, '') || '/' }),
    ...(path?.type === 'ReplaceFullPath' && {
      uriRegexRewrite: { match: '/.*', rewrite: path.replaceFullPath ?? '' },
    }),
    ...(hostname && { authority: hostname }),
  };
  return Object.keys(rewrite).length === 0 ? undefined : rewrite;
}

const rewritePlaces = (at: string): Record<string, string> => ({
  '.rewrite': `${at}.urlRewrite`,
  '.rewrite.uri': `${at}.urlRewrite.path`,
  '.rewrite.uriRegexRewrite': `${at}.urlRewrite.path`,
  '.rewrite.authority': `${at}.urlRewrite.hostname`,
});

const cors = (filter: CorsFilter): CorsPolicySpec => ({
  ...(filter.allowOrigins?.length && { allowOrigins: filter.allowOrigins.flatMap(originMatch) }),
  ...(filter.allowCredentials && { allowCredentials: true }),
  ...(filter.allowMethods?.length && { allowMethods: filter.allowMethods }),
  ...(filter.allowHeaders?.length && { allowHeaders: filter.allowHeaders }),
  ...(filter.exposeHeaders?.length && { exposeHeaders: filter.exposeHeaders }),
  ...(filter.maxAge && filter.maxAge > 0 && { maxAge: `${filter.maxAge}s` }),
  unmatchedPreflights: 'IGNORE',
});

/** `*` is any well-formed origin (RFC 6454), not any text; `*` elsewhere stands for any characters. */
function originMatch(origin: string): StringMatch[] {
  if (origin === '') return [];
  if (origin === '*') return [{ regex: '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+$' }];
  if (!origin.includes('*')) return [{ exact: origin }];
  if (origin.indexOf('*') === origin.length - 1) return [{ prefix: origin.slice(0, -1) }];
  const pattern = origin.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&').replaceAll('\\*', '.*');
  return [{ regex: `^${pattern}$` }];
}
