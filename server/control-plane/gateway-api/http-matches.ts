import type { HttpMatch, StringMatch } from '../snapshot/istio-types.ts';
import type { Fault } from './conditions.ts';
import type { GrpcRouteMatch, HttpRouteMatch, ValueMatch } from './types.ts';

export type MatchResult = { readonly match: HttpMatch } | { readonly fatal: Fault };

const unknownType = (type: string, what: string): { readonly fatal: Fault } => ({
  fatal: { reason: 'InvalidConfiguration', message: `unknown type: "${type}" is not supported ${what} type` },
});

/** One match of an HTTPRoute as a match block of a VirtualService. */
export function httpMatch({ path = {}, headers, queryParams, method }: HttpRouteMatch): MatchResult {
  const uri = pathMatch(path);
  if ('fatal' in uri) return uri;
  const wantedHeaders = valueMatches(headers, 'HeaderMatch');
  if ('fatal' in wantedHeaders) return wantedHeaders;
  const wantedParameters = valueMatches(queryParams, 'QueryParams');
  if ('fatal' in wantedParameters) return wantedParameters;
  return {
    match: {
      uri,
      ...(wantedHeaders.values && { headers: wantedHeaders.values }),
      ...(wantedParameters.values && { queryParams: wantedParameters.values }),
      ...(method !== undefined && { method: { exact: method } }),
    },
  };
}

function pathMatch({
  type = 'PathPrefix',
  value = '/',
}: NonNullable<HttpRouteMatch['path']>): StringMatch | { readonly fatal: Fault } {
  switch (type) {
    case 'PathPrefix':
      return { prefix: value === '/' ? value : value.replace(/\/$/, '') };
    case 'Exact':
      return { exact: value };
    case 'RegularExpression':
      return { regex: value };
    default:
      return unknownType(type, 'Path match');
  }
}

function valueMatches(
  wanted: readonly ValueMatch[] = [],
  what: string,
): { readonly values: Readonly<Record<string, StringMatch>> | undefined } | { readonly fatal: Fault } {
  const values: Record<string, StringMatch> = {};
  for (const { name, type = 'Exact', value } of wanted) {
    if (type !== 'Exact' && type !== 'RegularExpression') return unknownType(type, what);
    values[name] = type === 'Exact' ? { exact: value } : { regex: value };
  }
  return { values: wanted.length === 0 ? undefined : values };
}

/** One match of a GRPCRoute: gRPC calls `/service/method`. */
export function grpcMatch({ method, headers }: GrpcRouteMatch): MatchResult {
  const uri = method === undefined ? undefined : methodMatch(method);
  if (uri !== undefined && 'fatal' in uri) return uri;
  const wantedHeaders = valueMatches(headers, 'HeaderMatch');
  if ('fatal' in wantedHeaders) return wantedHeaders;
  return { match: { ...(uri && { uri }), ...(wantedHeaders.values && { headers: wantedHeaders.values }) } };
}

function methodMatch({
  type = 'Exact',
  service,
  method,
}: NonNullable<GrpcRouteMatch['method']>): StringMatch | { readonly fatal: Fault } {
  if (type !== 'Exact' && type !== 'RegularExpression') return unknownType(type, 'Path match');
  const exact = type === 'Exact';
  if (method === undefined) {
    if (service === undefined) {
      const message = 'gRPC match must have method or service defined';
      return { fatal: { reason: 'InvalidConfiguration', message } };
    }
    return exact ? { prefix: `/${service}/` } : { regex: `/${service}/.+` };
  }
  if (service === undefined) return { regex: `/[^/]+/${method}` };
  return exact ? { exact: `/${service}/${method}` } : { regex: `/${service}/${method}` };
}
