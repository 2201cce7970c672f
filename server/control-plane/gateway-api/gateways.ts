import type { KubeObject } from '#domain';
import type { Config } from '../snapshot/config.ts';
import type { GatewayServer, GatewaySpec } from '../snapshot/istio-types.ts';
import { ANNOTATIONS, INTERNAL_MARK } from './annotations.ts';
import { backendClientCertificateFault } from './certificate-references.ts';
import type { Fault } from './conditions.ts';
import { type GatewayServices, gatewayServiceAccount, gatewayServices } from './gateway-services.ts';
import type { ListenerConflicts } from './listener-conflicts.ts';
import { supportedKinds } from './listener-kinds.ts';
import { buildListener, conflictedListener, type ListenerStatus } from './listeners.ts';
import { namespaceOf } from './objects.ts';
import type { ReferenceContext } from './reference-context.ts';
import { CONFIG_MAP, GATEWAY, type GroupKind, groupKind, LISTENER_SET, type RouteKind } from './references.ts';
import { sourcesIn } from './sources.ts';
import type { GatewayApiGatewaySpec, Listener } from './types.ts';

/** A listener as routes see it: something they may attach to. */
export interface ParentListener {
  readonly owner: { readonly kind: GroupKind; readonly namespace: string; readonly name: string };
  /** `namespace/name` of the internal Gateway; `mesh` for the mesh itself. */
  readonly internalName: string;
  readonly allowedKinds: readonly RouteKind[];
  /** `namespace/host`, as in an Istio Gateway. Empty: any. */
  readonly hosts: readonly string[];
  /** As the listener says; empty: none. */
  readonly hostname: string;
  readonly sectionName: string;
  readonly port: number;
  readonly protocol: string;
}

/** A listener's internal Gateway, with its one server. */
export interface ConvertedListener {
  readonly config: Config<GatewaySpec>;
  readonly parent: ParentListener;
  /** False: routes may attach, but no proxy serves it. */
  readonly valid: boolean;
}

/** What became of a Gateway or ListenerSet. */
export interface ConvertedOwner {
  readonly object: KubeObject;
  readonly services: GatewayServices;
  /** Numbers of the ports that its servers have. */
  readonly ports: readonly number[];
  readonly listeners: readonly ListenerStatus[];
  readonly validListeners: number;
  readonly converted: readonly ConvertedListener[];
}

export interface ConvertedGateway extends ConvertedOwner {
  readonly fault?: Fault | undefined;
  readonly backendTlsFault?: Fault | undefined;
}

export interface GatewayInput {
  readonly gateway: KubeObject;
  readonly conflicts: ListenerConflicts;
}

/** A Gateway's listeners, each as an internal Gateway with one server, so that a route can be bound to one of them. */
export function convertGateway({ gateway, conflicts }: GatewayInput, context: ReferenceContext): ConvertedGateway {
  const spec = gateway.spec as GatewayApiGatewaySpec;
  const services = gatewayServices(gateway);
  const backendTlsFault = backendClientCertificateFault(gateway, context);
  const shared = { object: gateway, services, backendTlsFault };
  if (services.hosts.length === 0 && services.fault !== undefined) {
    return { ...shared, ports: [], listeners: [], validListeners: 0, converted: [], fault: services.fault };
  }
  const built = (spec.listeners ?? []).map((listener, index) => {
    const conflict = conflicts.reasonFor(gateway, listener.name);
    const result =
      conflict === undefined
        ? buildListener({ listener, object: gateway, gateway: spec }, context)
        : conflictedListener(listener, conflict);
    return { listener, index, ...result };
  });
  return {
    ...shared,
    fault: services.fault ?? parametersFault(gateway, context),
    ports: built.flatMap(({ server }) => (server === undefined ? [] : [server.port.number])),
    listeners: built.map(({ status }) => status),
    validListeners: built.filter(({ valid }) => valid).length,
    converted: built.flatMap(({ listener, index, server, valid }) =>
      server === undefined
        ? []
        : [convertListener({ owner: gateway, gateway, services, listener, index, server, valid })],
    ),
  };
}

export interface ListenerConversion {
  /** The object that holds the listener. */
  readonly owner: KubeObject;
  /** The Gateway whose proxies serve it. */
  readonly gateway: KubeObject;
  readonly services: GatewayServices;
  readonly listener: Listener;
  readonly index: number;
  readonly server: GatewayServer;
  readonly valid: boolean;
}

/** One listener as an internal Gateway. */
export function convertListener(input: ListenerConversion): ConvertedListener {
  const { owner, gateway, services, listener, index, server, valid } = input;
  const namespace = namespaceOf(owner);
  const name = `${owner.metadata.name}~${INTERNAL_MARK}~${listener.name}`;
  const path = `spec.listeners[${index}]`;
  const inSet = owner.kind === 'ListenerSet';
  return {
    config: {
      kind: 'Gateway',
      apiVersion: 'networking.istio.io/v1',
      namespace,
      name,
      createdMs: Date.parse(owner.metadata.creationTimestamp ?? '') || 0,
      spec: { servers: [server] },
      annotations: {
        [ANNOTATIONS.parents]: `${owner.kind}/${owner.metadata.name}/${listener.name}.${namespace}`,
        [ANNOTATIONS.gatewaySemantics]: 'gateway',
        [ANNOTATIONS.gatewayService]: services.hosts.join(','),
        [ANNOTATIONS.serviceAccount]: gatewayServiceAccount(gateway),
        ...(inSet && { [ANNOTATIONS.parentNamespace]: namespaceOf(gateway) }),
      },
      sources: sourcesIn(owner, {
        '': 'spec',
        'spec.servers[0]': path,
        'spec.servers[0].port': `${path}.port`,
        'spec.servers[0].tls': listener.tls && `${path}.tls`,
        'spec.servers[0].hosts': listener.hostname === undefined ? path : `${path}.hostname`,
      }),
    },
    parent: {
      owner: { kind: inSet ? LISTENER_SET : GATEWAY, namespace, name: owner.metadata.name },
      internalName: `${namespace}/${name}`,
      allowedKinds: supportedKinds(listener).kinds.map(({ kind }) => kind),
      hosts: server.hosts,
      hostname: listener.hostname ?? '',
      sectionName: listener.name,
      port: listener.port,
      protocol: listener.protocol,
    },
    valid,
  };
}

/** What is wrong with `infrastructure.parametersRef`, which may name a ConfigMap only. */
function parametersFault(gateway: KubeObject, { index }: ReferenceContext): Fault | undefined {
  const reference = (gateway.spec as GatewayApiGatewaySpec).infrastructure?.parametersRef;
  if (reference === undefined) return undefined;
  const invalid = (message: string): Fault => ({ reason: 'InvalidParameters', message });
  if (groupKind(reference, '/') !== CONFIG_MAP) {
    const kind = `${reference.group}/${reference.kind}`;
    return invalid(`Unsupported parametersRef group/kind ${kind}, only ConfigMap is supported`);
  }
  const key = `${namespaceOf(gateway)}/${reference.name}`;
  return index.configMaps.has(key) ? undefined : invalid(`parametersRef ConfigMap ${key} does not exist`);
}
