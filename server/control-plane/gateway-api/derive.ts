import type { KubeObject } from '#domain';
import type { Config } from '../snapshot/config.ts';
import type { DestinationRuleSpec, GatewaySpec, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { findAncestors } from './ancestors.ts';
import { convertPolicy } from './backend-tls.ts';
import { convertTrafficPolicy } from './backend-traffic.ts';
import { findClass } from './classes.ts';
import { type ConvertedGateway, type ConvertedListener, convertGateway, type ParentListener } from './gateways.ts';
import { findConflicts, type ListenerConflicts } from './listener-conflicts.ts';
import {
  type BoundListenerSet,
  bindListenerSet,
  type ConvertedListenerSet,
  convertListenerSet,
} from './listener-sets.ts';
import { type GatewayApiObjects, indexObjects, objectKey } from './objects.ts';
import { policyRules } from './policy-rules.ts';
import type { ConvertedPolicy } from './policy-targets.ts';
import { type Grants, type GroupKind, readGrants } from './references.ts';
import { type ConvertedRoute, convertRoute, routeVirtualServices } from './routes.ts';
import type { GatewayApiGatewaySpec } from './types.ts';

/** Istio's objects, generated from those of the Gateway API. */
export interface GatewayApiConfig {
  readonly gateways: readonly Config<GatewaySpec>[];
  readonly virtualServices: readonly Config<VirtualServiceSpec>[];
  readonly destinationRules: readonly Config<DestinationRuleSpec>[];
  readonly grants: Grants;
}

/** What conversion found out about each object: what statuses are written from. */
export interface GatewayApiFindings {
  readonly classes: readonly KubeObject[];
  readonly gateways: readonly ConvertedGateway[];
  /** Gateways of a class that Istio does not program. */
  readonly remoteGateways: readonly KubeObject[];
  readonly listenerSets: readonly ConvertedListenerSet[];
  readonly refusedSets: readonly BoundListenerSet[];
  readonly routes: readonly ConvertedRoute[];
  readonly policies: readonly ConvertedPolicy[];
}

export interface GatewayApiConversion extends GatewayApiConfig {
  readonly findings: GatewayApiFindings;
}

/**
 * The Gateway API's objects as Istio's own: a Gateway for each listener, VirtualServices for routes, DestinationRules for
 * policies of backends, named as Istio's controller names them. Each generated field knows the field it comes from.
 * Source: istio pilot/pkg/config/kube/gateway.
 */
export function convertGatewayApi(objects: GatewayApiObjects): GatewayApiConversion {
  if (isUnused(objects)) return { ...NOTHING, findings: { ...NOTHING.findings, classes: objects.gatewayClasses } };
  const index = indexObjects(objects);
  const grants = readGrants(objects.referenceGrants);
  const context = { index, grants };
  const bound = objects.listenerSets.flatMap((set) => bindListenerSet(set, objects.gatewayClasses, index) ?? []);
  const [refusedSets, welcome] = partition(bound, ({ refused }) => refused !== undefined);
  const ours = objects.gateways.flatMap((gateway) => {
    const info = findClass(objects.gatewayClasses, (gateway.spec as GatewayApiGatewaySpec).gatewayClassName);
    return info === undefined ? [] : [{ gateway, info }];
  });
  const [programmed, remote] = partition(ours, ({ info }) => info.programs);
  const conflicts = conflictsOf(programmed, welcome);
  const listenerSets = welcome.map((set) =>
    convertListenerSet(set, conflicts.get(objectKey(set.gateway)) ?? NONE, context),
  );
  const gateways = programmed.map(({ gateway }) =>
    convertGateway({ gateway, conflicts: conflicts.get(objectKey(gateway)) ?? NONE }, context),
  );
  const listeners = [
    ...gateways.flatMap(({ converted }) => converted),
    ...listenerSets.flatMap(({ converted }) => converted.filter(({ valid }) => valid)),
  ];
  const routeObjects = [...objects.httpRoutes, ...objects.grpcRoutes, ...objects.tlsRoutes, ...objects.tcpRoutes];
  const parents = { index, listenersOf: listenersByOwner(listeners) };
  const routes = routeObjects.map((route) => convertRoute(route, { ...context, parents }));
  const ancestors = findAncestors(routeObjects);
  const { backendTlsPolicies, backendTrafficPolicies } = objects;
  const policies = [
    ...backendTrafficPolicies.map((policy) => convertTrafficPolicy(policy, index)),
    ...backendTlsPolicies.map((policy) => convertPolicy(policy, backendTlsPolicies, { index, ancestors })),
  ];
  return {
    gateways: listeners.filter(({ valid }) => valid).map(({ config }) => config),
    virtualServices: routeVirtualServices(routes),
    destinationRules: policyRules(policies),
    grants,
    findings: {
      classes: objects.gatewayClasses,
      gateways,
      remoteGateways: remote.map(({ gateway }) => gateway),
      listenerSets,
      refusedSets,
      routes,
      policies,
    },
  };
}

/** A mesh without Gateways and routes pays nothing for what it might have. */
const isUnused = (objects: GatewayApiObjects): boolean =>
  [
    objects.gateways,
    objects.listenerSets,
    objects.httpRoutes,
    objects.grpcRoutes,
    objects.tlsRoutes,
    objects.tcpRoutes,
    objects.backendTlsPolicies,
    objects.backendTrafficPolicies,
  ].every((list) => list.length === 0);

const NOTHING: GatewayApiConversion = {
  gateways: [],
  virtualServices: [],
  destinationRules: [],
  grants: { allows: () => false },
  findings: {
    classes: [],
    gateways: [],
    remoteGateways: [],
    listenerSets: [],
    refusedSets: [],
    routes: [],
    policies: [],
  },
};

const NONE: ListenerConflicts = { reasonFor: () => undefined };

function conflictsOf(
  gateways: readonly { readonly gateway: KubeObject }[],
  sets: readonly BoundListenerSet[],
): ReadonlyMap<string, ListenerConflicts> {
  return new Map(
    gateways.map(({ gateway }) => [
      objectKey(gateway),
      findConflicts(
        gateway,
        sets.filter((each) => each.gateway === gateway).map(({ set }) => set),
      ),
    ]),
  );
}

interface Owner {
  readonly kind: GroupKind;
  readonly namespace: string;
  readonly name: string;
}

function listenersByOwner(listeners: readonly ConvertedListener[]): (owner: Owner) => readonly ParentListener[] {
  const key = ({ kind, namespace, name }: Owner): string => `${kind} ${namespace}/${name}`;
  const byOwner = new Map<string, ParentListener[]>();
  for (const { parent } of listeners) {
    byOwner.set(key(parent.owner), [...(byOwner.get(key(parent.owner)) ?? []), parent]);
  }
  return (owner) => byOwner.get(key(owner)) ?? [];
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
