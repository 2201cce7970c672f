import { type ControlPlane, createScope, type OutboundScope, viewProxy } from '#control-plane';
import type { KubeStore } from '#kube-api';
import { withWholeHost } from './config-pages.ts';
import type { DebugConnection } from './connections.ts';
import { serviceShown } from './registry-pages.ts';
import { ruleShown } from './rule-config.ts';

/** What Istio calls a scope that no Sidecar makes. */
const DEFAULT_NAME = 'default-sidecar';

type Rule = ReturnType<OutboundScope['rulesFor']>[number];

/** `/debug/sidecarz`: what one proxy sees of the mesh, as model.SidecarScope prints in JSON. Source: istio pilot/pkg/model/sidecar.go. */
export function sidecarScope(
  controlPlane: ControlPlane,
  { node }: DebugConnection,
  store: KubeStore,
): Readonly<Record<string, unknown>> {
  const snapshot = controlPlane.inspect();
  const scope = createScope(snapshot, viewProxy(snapshot, node));
  const { sidecar, namespace, egress, services } = scope;
  const shown = new Map(services.map((service) => [service.hostname, serviceShown(service, store)]));
  const rules = services.map(({ hostname }) => [hostname, scope.rulesFor(hostname)] as const);
  const isGateway = scope.role === 'router';
  return {
    destinationRules: Object.fromEntries(
      rules
        .filter(([, found]) => found.length > 0)
        .map(([hostname, found]) => [hostname, found.map((rule) => destinationRule(rule, store))]),
    ),
    // A gateway has one listener of its own making, without services.
    egressListenerServices: isGateway
      ? [null]
      : egress.map((listener) => listener.services.map((service) => serviceShown(service, store))),
    name: sidecar?.name ?? DEFAULT_NAME,
    namespace,
    outboundTrafficPolicy: isGateway ? null : outboundPolicy(scope),
    services: services.length === 0 ? null : [...shown.values()],
    servicesByHostname: Object.fromEntries(shown),
    sidecar: sidecar?.spec ?? null,
    version: controlPlane.snapshotFor(node).versionInfo,
  };
}

/** REGISTRY_ONLY is the first of its enumeration, which protobuf JSON leaves out. */
function outboundPolicy({ outboundPolicy: { mode, egressProxy } }: OutboundScope): object {
  return { ...(mode !== 'REGISTRY_ONLY' && { mode }), ...(egressProxy && { egressProxy }) };
}

function destinationRule({ exportTo, from, owner, trafficPolicy, subsets }: Rule, store: KubeStore): object {
  const spec = {
    ...withWholeHost(owner.spec, owner.namespace),
    ...(trafficPolicy && { trafficPolicy: trafficPolicy.value }),
    ...(subsets.length > 0 && { subsets: subsets.map(({ value }) => value) }),
  };
  return {
    exportTo: Object.fromEntries([...exportTo].map((to) => [to, {}])),
    from: from.map(({ namespace, name }) => ({ Namespace: namespace, Name: name })),
    rule: ruleShown({ ...owner, spec }, store),
  };
}
