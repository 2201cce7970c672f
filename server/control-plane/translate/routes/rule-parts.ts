import type { Route } from '#xds';
import type { HttpRule } from '../../snapshot/http-rule.ts';
import type { HttpRoute } from '../../snapshot/istio-types.ts';
import type { OriginParts } from '../clusters/origin-metadata.ts';

/** What a rule does, and which of the rule's destinations and mirrors made it into the route. */
export interface Answer {
  readonly route: Pick<Route, 'route' | 'redirect' | 'direct_response'> & Partial<Route>;
  /** Positions in `spec.http[].route` of the clusters, in the order of the route. */
  readonly destinations: readonly number[];
  readonly mirrors: readonly string[];
}

/** The field of the VirtualService behind each part of a route. */
export function ruleParts(rule: HttpRule, matchIndex: number, answer: Answer): OriginParts {
  const { spec, path } = rule;
  const at = (field: keyof HttpRoute, rest = ''): string | undefined =>
    spec[field] === undefined || rule.inherited.has(field) ? undefined : `${path}.${field}${rest}`;
  const faults = at('fault');
  const single = answer.route.route?.cluster !== undefined;
  return {
    match: rule.matchPaths[matchIndex],
    timeout: at('timeout'),
    retry_policy: at('retries'),
    fault: faults,
    'fault.delay': spec.fault?.delay && faults && `${faults}.delay`,
    'fault.abort': spec.fault?.abort && faults && `${faults}.abort`,
    cors: at('corsPolicy'),
    redirect: at('redirect'),
    direct_response: at('directResponse'),
    ...rewriteParts(rule, at('rewrite')),
    ...headerParts(rule, at('headers')),
    route: at('route'),
    ...(single
      ? { cluster: `${path}.route[${answer.destinations[0] ?? 0}]` }
      : Object.fromEntries(
          answer.destinations.map((position, i) => [`weighted_clusters.${i}`, `${path}.route[${position}]`]),
        )),
    request_mirror_policies: at('mirror') ?? at('mirrors'),
    ...Object.fromEntries(
      answer.mirrors.map((field, i) => [
        `request_mirror_policies.${i}`,
        rule.inherited.has(field.replace(/\[.*/, '')) ? undefined : `${path}.${field}`,
      ]),
    ),
  };
}

function rewriteParts({ spec }: HttpRule, path: string | undefined): OriginParts {
  if (path === undefined || spec.rewrite === undefined) return {};
  const { uri, authority, uriRegexRewrite } = spec.rewrite;
  return {
    regex_rewrite: uriRegexRewrite && `${path}.uriRegexRewrite`,
    prefix_rewrite: uriRegexRewrite === undefined && uri ? `${path}.uri` : undefined,
    host_rewrite_literal: authority ? `${path}.authority` : undefined,
  };
}

function headerParts({ spec }: HttpRule, path: string | undefined): OriginParts {
  if (path === undefined) return {};
  const { request, response } = spec.headers ?? {};
  return {
    request_headers_to_add: (request?.set ?? request?.add) && `${path}.request`,
    request_headers_to_remove: request?.remove && `${path}.request.remove`,
    response_headers_to_add: (response?.set ?? response?.add) && `${path}.response`,
    response_headers_to_remove: response?.remove && `${path}.response.remove`,
  };
}
