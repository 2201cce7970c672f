import { type KubeObject, serviceHostname } from '#domain';
import { type Config, compareText } from '../snapshot/config.ts';
import type { ClientTlsSettings, DestinationRuleSpec, PolicyBlocks } from '../snapshot/istio-types.ts';
import type { GatewayAncestors } from './ancestors.ts';
import { ANNOTATIONS, INTERNAL_MARK } from './annotations.ts';
import { backendRoots } from './backend-roots.ts';
import { GATEWAY_CONTROLLER, MESH_CONTROLLER } from './classes.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import { compareByAge, GATEWAY_GROUP, namespaceOf, type ObjectIndex, portsOf } from './objects.ts';
import type { ServiceEntrySpec } from './plain-types.ts';
import { type GroupKind, groupKind, SERVICE, SERVICE_ENTRY } from './references.ts';
import { sourcesIn } from './sources.ts';
import type { BackendTlsPolicySpec, ParentReference, PolicyTargetReference } from './types.ts';

export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly WantedCondition[];
}

export interface ConvertedPolicy {
  readonly object: KubeObject;
  readonly ancestors: readonly PolicyAncestorStatus[];
  readonly targets: readonly PolicyTarget[];
}

/** What a policy says of one host. */
interface PolicyTarget {
  readonly kind: GroupKind;
  readonly object: KubeObject;
  readonly host: string;
  /** Name of the one port that it is for. */
  readonly portName: string | undefined;
  readonly tls: ClientTlsSettings;
}

const IGNORE = 'istio.io/ignore-policy-attachment';

const isIgnored = ({ metadata }: KubeObject): boolean => metadata.annotations?.[IGNORE]?.toLowerCase() === 'true';

/** What a BackendTLSPolicy makes of its targets. Source: BackendTLSPolicyCollection in istio pilot/pkg/config/kube/gateway. */
export function convertPolicy(
  policy: KubeObject,
  all: readonly KubeObject[],
  { index, ancestors }: { readonly index: ObjectIndex; readonly ancestors: GatewayAncestors },
): ConvertedPolicy {
  const { targetRefs = [], validation } = policy.spec as BackendTlsPolicySpec;
  if (isIgnored(policy)) {
    const fault = { reason: 'IgnoredByIstio', message: `Ignored by Istio due to annotation ${IGNORE}=true` };
    const conditions = judge({ Accepted: { good: fault, fault } });
    return { object: policy, targets: [], ancestors: targetRefs.map((target) => meshAncestor(target, conditions)) };
  }
  const roots = backendRoots(validation, namespaceOf(policy), index);
  const names = (validation.subjectAltNames ?? []).flatMap(({ type, hostname, uri }) =>
    type === 'Hostname' ? [hostname ?? ''] : type === 'URI' ? [uri ?? ''] : [],
  );
  const tls: ClientTlsSettings = {
    mode: 'SIMPLE',
    sni: validation.hostname,
    ...(names.length > 0 && { subjectAltNames: names }),
    ...(roots.credentialName !== '' && { credentialName: roots.credentialName }),
  };
  const found = targetRefs.map((target) => ({ target, ...findTarget(target, policy, { all, index }) }));
  const conditionsFor = (fault: Fault | undefined): readonly WantedCondition[] =>
    judge({
      Accepted: {
        good: { reason: 'Accepted', message: `Configuration is valid${roots.warning}` },
        fault: fault ?? roots.accepted,
      },
      ResolvedRefs: {
        good: { reason: 'ResolvedRefs', message: 'Configuration is valid' },
        fault: roots.resolved,
      },
    });
  const gateways = found.flatMap(({ kind, name }) =>
    name === undefined ? [] : ancestors.gatewaysOf({ kind, namespace: namespaceOf(policy), name }),
  );
  // The last target speaks for the Gateways, as they have one entry for all targets.
  const last = conditionsFor(found.at(-1)?.fault);
  return {
    object: policy,
    targets: found.flatMap(({ targets }) => targets.map((target) => ({ ...target, tls }))),
    ancestors: [
      ...found.map(({ target, fault }) => meshAncestor(target, conditionsFor(fault))),
      ...distinct(gateways).map(({ name }) => ({
        ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', name },
        controllerName: GATEWAY_CONTROLLER,
        conditions: last,
      })),
    ],
  };
}

const meshAncestor = (
  { group, kind, name, sectionName }: PolicyTargetReference,
  conditions: readonly WantedCondition[],
): PolicyAncestorStatus => ({
  ancestorRef: { group, kind, name, ...(sectionName !== undefined && { sectionName }) },
  controllerName: MESH_CONTROLLER,
  conditions,
});

function distinct(gateways: readonly { readonly namespace: string; readonly name: string }[]) {
  const byKey = new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
  return [...byKey].sort(([a], [b]) => compareText(a, b)).map(([, gateway]) => gateway);
}

interface FoundTarget {
  readonly kind: GroupKind;
  /** Absent: there is no such object. */
  readonly name?: string;
  readonly fault?: Fault;
  readonly targets: readonly Omit<PolicyTarget, 'tls'>[];
}

function findTarget(
  target: PolicyTargetReference,
  policy: KubeObject,
  { all, index }: { readonly all: readonly KubeObject[]; readonly index: ObjectIndex },
): FoundTarget {
  const kind = groupKind(target, '/');
  const namespace = namespaceOf(policy);
  const object = targetObject(kind, `${namespace}/${target.name}`, index);
  if ('problem' in object) {
    const message = `targetRefs invalid: ${object.problem(target, namespace)}`;
    return { kind, targets: [], fault: { reason: 'TargetNotFound', message } };
  }
  const portName = target.sectionName || undefined;
  if (portName !== undefined && !portsOf(object.found).some(({ name }) => name === portName)) {
    const message = `targetRefs invalid: sectionName "${portName}" does not exist in ${target.kind} ${namespace}/${target.name}`;
    return { kind, targets: [], fault: { reason: 'TargetNotFound', message } };
  }
  const rival = all.find((other) => winsOver(other, policy, target));
  if (rival !== undefined) {
    const message = `Conflicts with BackendTLSPolicy "${rival.metadata.name}" targeting the same backend`;
    return { kind, name: target.name, targets: [], fault: { reason: 'Conflicted', message } };
  }
  const hosts =
    kind === SERVICE
      ? [serviceHostname(target.name, namespace)]
      : ((object.found.spec as ServiceEntrySpec | undefined)?.hosts ?? []);
  return { kind, name: target.name, targets: hosts.map((host) => ({ kind, object: object.found, host, portName })) };
}

type TargetObject =
  | { readonly found: KubeObject }
  | { problem(target: PolicyTargetReference, namespace: string): string };

function targetObject(kind: GroupKind, key: string, index: ObjectIndex): TargetObject {
  if (kind === '/ConfigMap' || kind === '/Secret') {
    return { problem: (target) => `unsupported reference kind: ${target.kind}` };
  }
  const objects = kind === SERVICE ? index.services : kind === SERVICE_ENTRY ? index.serviceEntries : undefined;
  if (objects === undefined) return { problem: (target) => `unsupported kind ${target.kind}` };
  const found = objects.get(key);
  if (found !== undefined) return { found };
  return {
    problem: (target, namespace) => `reference ${namespace}/${target.name} (of kind ${target.kind}) not found`,
  };
}

/** Whether another policy has the same target and is older, or as old and first by name. */
function winsOver(other: KubeObject, policy: KubeObject, target: PolicyTargetReference): boolean {
  if (other === policy || isIgnored(other) || namespaceOf(other) !== namespaceOf(policy)) return false;
  const same = ((other.spec as BackendTlsPolicySpec).targetRefs ?? []).some(
    ({ group, kind, name, sectionName }) =>
      group === target.group && kind === target.kind && name === target.name && sectionName === target.sectionName,
  );
  return same && compareByAge(other, policy) < 0;
}

/** The DestinationRules that the policies make: one for each host of each target. */
export function policyRules(policies: readonly ConvertedPolicy[]): Config<DestinationRuleSpec>[] {
  const byHost = new Map<string, { readonly policy: KubeObject; readonly target: PolicyTarget }[]>();
  for (const { object: policy, targets } of [...policies].sort((a, b) => compareByAge(a.object, b.object))) {
    for (const target of targets) {
      const key = `${target.kind} ${namespaceOf(target.object)}/${target.object.metadata.name}/${target.host}`;
      byHost.set(key, [...(byHost.get(key) ?? []), { policy, target }]);
    }
  }
  return [...byHost].sort(([a], [b]) => compareText(a, b)).flatMap(([, group]) => policyRule(group));
}

function policyRule(
  group: readonly { readonly policy: KubeObject; readonly target: PolicyTarget }[],
): Config<DestinationRuleSpec>[] {
  const [first] = group;
  if (first === undefined) return [];
  const { object, host, kind } = first.target;
  const whole = group.find(({ target }) => target.portName === undefined);
  const ports = new Map<string, (typeof group)[number]>();
  for (const each of group) {
    const { portName } = each.target;
    if (portName !== undefined && !ports.has(portName)) ports.set(portName, each);
  }
  const portLevelSettings = [...ports].map(([portName, { target }]): PortSettings => {
    const number = portsOf(object).find(({ name }) => name === portName)?.port ?? 0;
    return { port: { number }, tls: target.tls };
  });
  const place = 'spec.validation';
  return [
    {
      kind: 'DestinationRule',
      apiVersion: 'networking.istio.io/v1',
      namespace: namespaceOf(object),
      name: ruleName(object, kind, host),
      createdMs: 0,
      spec: {
        host,
        trafficPolicy: {
          ...(whole && { tls: whole.target.tls }),
          ...(portLevelSettings.length > 0 && { portLevelSettings }),
        },
      },
      annotations: {
        [ANNOTATIONS.parents]: [
          ...new Set(
            group.map(({ policy: { metadata, kind: own } }) => `${own}/${metadata.namespace}.${metadata.name}`),
          ),
        ].join(','),
      },
      sources: new Map([
        ...sourcesIn((whole ?? first).policy, {
          '': 'spec',
          'spec.host': 'spec.targetRefs',
          'spec.trafficPolicy': place,
        }),
        ...[...ports.values()].flatMap(({ policy }, i) => [
          ...sourcesIn(policy, { [`spec.trafficPolicy.portLevelSettings[${i}]`]: place }),
        ]),
      ]),
    },
  ];
}

type PortSettings = PolicyBlocks & { readonly port: { readonly number: number } };

const ruleName = ({ metadata }: KubeObject, kind: GroupKind, host: string): string =>
  kind === SERVICE_ENTRY
    ? `${metadata.name}~${host.replaceAll('.', '-')}~${INTERNAL_MARK}`
    : `${metadata.name}~${INTERNAL_MARK}`;
