import type { KubeObject } from '#domain';
import { type Config, compareText } from '../snapshot/config.ts';
import type { DestinationRuleSpec, PolicyBlocks } from '../snapshot/istio-types.ts';
import { ANNOTATIONS, INTERNAL_MARK } from './annotations.ts';
import { compareByAge, namespaceOf, portsOf } from './objects.ts';
import type { ConvertedPolicy, PolicyTarget } from './policy-targets.ts';
import { type GroupKind, SERVICE_ENTRY } from './references.ts';
import { sourcesIn } from './sources.ts';

interface Attached {
  readonly policy: KubeObject;
  readonly target: PolicyTarget;
}

type PortSettings = PolicyBlocks & { readonly port: { readonly number: number } };

/** The DestinationRules that the policies make: one for each host of each target. Source: DestinationRuleCollection in istio. */
export function policyRules(policies: readonly ConvertedPolicy[]): Config<DestinationRuleSpec>[] {
  const byHost = new Map<string, Attached[]>();
  for (const { object: policy, targets } of [...policies].sort((a, b) => compareByAge(a.object, b.object))) {
    for (const target of targets) {
      const key = `${target.kind} ${namespaceOf(target.object)}/${target.object.metadata.name}/${target.host}`;
      byHost.set(key, [...(byHost.get(key) ?? []), { policy, target }]);
    }
  }
  return [...byHost].sort(([a], [b]) => compareText(a, b)).flatMap(([, group]) => policyRule(group));
}

/** The oldest of each: a later one, and a later one for the same port, says nothing. */
function inForce(group: readonly Attached[]) {
  const tls = group.filter(({ target }) => target.tls !== undefined);
  const ports = new Map<string, Attached>();
  for (const each of tls) {
    const { portName } = each.target;
    if (portName !== undefined && !ports.has(portName)) ports.set(portName, each);
  }
  return {
    tls: tls.find(({ target }) => target.portName === undefined),
    ports: [...ports],
    traffic: group.find(({ target }) => target.loadBalancer !== undefined),
  };
}

const parentOf = ({ policy: { metadata, kind } }: Attached): string => `${kind}/${metadata.namespace}.${metadata.name}`;

function policyRule(group: readonly Attached[]): Config<DestinationRuleSpec>[] {
  const [first] = group;
  if (first === undefined) return [];
  const { object, host, kind } = first.target;
  const { tls, ports, traffic } = inForce(group);
  const portLevelSettings = ports.map(([portName, { target }]): PortSettings => {
    const number = portsOf(object).find(({ name }) => name === portName)?.port ?? 0;
    return { port: { number }, ...(target.tls && { tls: target.tls }) };
  });
  const parents = group.filter((each) => each.target.loadBalancer === undefined || each === traffic).map(parentOf);
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
          ...(tls?.target.tls && { tls: tls.target.tls }),
          ...(traffic?.target.loadBalancer && { loadBalancer: traffic.target.loadBalancer }),
          ...(traffic?.target.retryBudget && { retryBudget: traffic.target.retryBudget }),
          ...(portLevelSettings.length > 0 && { portLevelSettings }),
        },
      },
      annotations: { [ANNOTATIONS.parents]: [...new Set(parents)].join(',') },
      sources: sourcesOf(first, { tls, ports, traffic }),
    },
  ];
}

const TLS_PLACE = 'spec.validation';

function sourcesOf(first: Attached, { tls, ports, traffic }: ReturnType<typeof inForce>) {
  const whole = tls ?? traffic ?? first;
  const place = whole.target.tls === undefined ? 'spec' : TLS_PLACE;
  return new Map([
    ...sourcesIn(whole.policy, { '': 'spec', 'spec.host': 'spec.targetRefs', 'spec.trafficPolicy': place }),
    ...(traffic === undefined
      ? []
      : sourcesIn(traffic.policy, {
          'spec.trafficPolicy.loadBalancer': 'spec',
          'spec.trafficPolicy.retryBudget': 'spec.retryConstraint',
        })),
    ...ports.flatMap(([, { policy }], i) => [
      ...sourcesIn(policy, { [`spec.trafficPolicy.portLevelSettings[${i}]`]: TLS_PLACE }),
    ]),
  ]);
}

const ruleName = ({ metadata }: KubeObject, kind: GroupKind, host: string): string =>
  kind === SERVICE_ENTRY
    ? `${metadata.name}~${host.replaceAll('.', '-')}~${INTERNAL_MARK}`
    : `${metadata.name}~${INTERNAL_MARK}`;
