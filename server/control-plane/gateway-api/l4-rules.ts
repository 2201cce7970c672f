import type { L4Route, L4RouteDestination } from '../snapshot/istio-types.ts';
import type { Fault } from './conditions.ts';
import { type BackendOwner, backendDestination, weightedBackends } from './destinations.ts';
import type { GeneratedRule, GeneratedRules } from './http-rules.ts';
import type { ReferenceContext } from './reference-context.ts';
import type { L4RouteRule } from './types.ts';

/** A cluster that never exists: connections to it are closed. */
const NOBODY: L4RouteDestination = {
  destination: { host: 'internal.cluster.local', subset: 'zero-weight', port: { number: 65535 } },
};

export interface L4Owner extends BackendOwner {
  readonly kind: 'TCPRoute' | 'TLSRoute';
  /** Server names that a TLSRoute accepts; empty: all. */
  readonly hostnames: readonly string[];
}

/** The rules of a TCPRoute or TLSRoute. */
export function l4Rules(
  rules: readonly L4RouteRule[],
  owner: L4Owner,
  context: ReferenceContext,
): GeneratedRules<L4Route> {
  const generated: GeneratedRule<L4Route>[] = [];
  let fault: Fault | undefined;
  for (const [n, rule] of rules.entries()) {
    const result = l4Rule(rule, owner, { context, path: `spec.rules[${n}]` });
    if ('fatal' in result) return { rules: [], fault: result.fatal };
    fault = result.fault ?? fault;
    generated.push(result.rule);
  }
  return { rules: generated, fault };
}

function l4Rule(
  { backendRefs }: L4RouteRule,
  owner: L4Owner,
  { context, path }: { readonly context: ReferenceContext; readonly path: string },
): { readonly rule: GeneratedRule<L4Route>; readonly fault?: Fault | undefined } | { readonly fatal: Fault } {
  const weighted = weightedBackends(backendRefs);
  if (weighted === undefined) return { rule: { spec: { route: [NOBODY] }, places: { '': path } } };
  const route: L4RouteDestination[] = [];
  const places: Record<string, string> = { '': path, '.route': `${path}.backendRefs` };
  let fault: Fault | undefined;
  for (const { backend, position, weight } of weighted) {
    const result = backendDestination(backend, owner, context);
    if ('fatal' in result) return result;
    fault = result.fault ?? fault;
    places[`.route[${route.length}]`] = `${path}.backendRefs[${position}]`;
    route.push({ destination: result.destination, ...(weight > 0 && { weight }) });
  }
  const match = owner.kind === 'TLSRoute' && [{ sniHosts: owner.hostnames.length === 0 ? ['*'] : owner.hostnames }];
  if (match) Object.assign(places, { '.match[0]': owner.hostnames.length === 0 ? path : 'spec.hostnames' });
  return { rule: { spec: { ...(match && { match }), route }, places }, fault };
}
