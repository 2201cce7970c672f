import type { KubeObject } from '#domain';
import { Field } from './field.ts';
import type { Findings } from './findings.ts';

const DRY_RUN = 'istio.io/dry-run';
const PARENTS = ['internal.istio.io/parent-namespace', 'internal.istio.io/parents'];
const ALWAYS_REJECT = 'internal.istio.io/webhook-always-reject';
const BOOLEANS = new Set('1 t T TRUE true True 0 f F FALSE false False'.split(' '));

const ROUTE_SEMANTICS = 'internal.istio.io/route-semantics';
const GATEWAY_SEMANTICS = 'internal.istio.io/gateway-semantics';

/** Whether the object stands for one of the Gateway API, whose names and references have rules of their own. */
export const hasGatewaySemantics = ({ kind, metadata }: KubeObject): boolean =>
  metadata.annotations?.[kind === 'Gateway' ? GATEWAY_SEMANTICS : ROUTE_SEMANTICS] === 'gateway';

/** Annotations that Istio keeps for itself, and the dry run, which AuthorizationPolicies know only. False: Istio looks no further. */
export function checkAnnotations(object: KubeObject, findings: Findings): boolean {
  const annotations = new Field(object.metadata.annotations, 'metadata.annotations');
  const before = findings.problems.length;
  const dryRun = annotations.get(DRY_RUN);
  if (dryRun.exists) checkDryRun(object, dryRun, findings);
  if (annotations.get(ALWAYS_REJECT).exists) {
    findings.reject(annotations.get(ALWAYS_REJECT), `"${ALWAYS_REJECT}" annotation found, rejecting`);
  }
  for (const name of PARENTS) {
    const found = annotations.get(name);
    if (found.exists) findings.reject(found, `"${name}" annotation found, this may not be set by users`);
  }
  return findings.problems.length === before;
}

function checkDryRun(object: KubeObject, dryRun: Field, findings: Findings): void {
  const name = `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
  if (object.kind !== 'AuthorizationPolicy') {
    findings.reject(dryRun, `${name} has unsupported annotation ${DRY_RUN}, please remove the annotation`);
    return;
  }
  const action = new Field(object.spec, 'spec').get('action').text || 'ALLOW';
  if (action !== 'ALLOW' && action !== 'DENY') {
    const message = `the annotation ${DRY_RUN} currently only supports action ALLOW/DENY, found action ${action} in ${name}`;
    findings.reject(dryRun, message);
  } else if (!BOOLEANS.has(dryRun.text)) {
    const why = `strconv.ParseBool: parsing "${dryRun.text}": invalid syntax`;
    findings.reject(dryRun, `${name} has annotation ${DRY_RUN} with invalid value (${dryRun.text}): ${why}`);
  }
}
