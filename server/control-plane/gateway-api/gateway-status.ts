import { isIP } from 'node:net';
import type { KubeObject } from '#domain';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import type { GatewayInstances, InstanceLookup } from './gateway-instances.ts';
import type { ConvertedGateway, ConvertedOwner } from './gateways.ts';
import type { ConvertedListenerSet } from './listener-sets.ts';
import type { ListenerStatus } from './listeners.ts';
import { namespaceOf } from './objects.ts';
import type { GatewayApiGatewaySpec } from './types.ts';

export interface GatewayStatus {
  /** Absent: keep what is reported; an address once given is never taken back. */
  readonly addresses?: readonly { readonly type: string; readonly value: string }[];
  readonly attachedListenerSets?: number;
  readonly listeners: readonly ListenerStatus[];
  readonly conditions: readonly WantedCondition[];
  /** Condition types that must not be there. */
  readonly withoutConditions?: readonly string[];
}

const ADDRESS_TYPE = 'networking.istio.io/address-type';
const INSECURE = 'InsecureFrontendValidationMode';

/** What a Gateway's status says. `attachedRoutes` are counted elsewhere. Source: reportGatewayStatus in istio pilot. */
export function gatewayStatus(
  gateway: ConvertedGateway,
  setCount: number,
  setPorts: readonly number[],
  lookup: InstanceLookup,
): GatewayStatus {
  const { object } = gateway;
  const instances = lookup.resolve({
    namespace: namespaceOf(object),
    hosts: gateway.services.hosts,
    ports: [...gateway.ports, ...setPorts],
  });
  const addresses = reportedAddresses(gateway, instances);
  const insecure = frontendIsInsecure(object);
  return {
    ...(addresses.length > 0 && { addresses }),
    ...(setCount > 0 && { attachedListenerSets: setCount }),
    listeners: gateway.listeners,
    conditions: judge({
      Accepted: acceptance(gateway),
      Programmed: {
        good: { reason: 'Programmed', message: programmedMessage(instances) },
        fault: programmedFault(gateway.services.hosts, instances),
      },
      ResolvedRefs: {
        good: { reason: 'ResolvedRefs', message: 'All references resolved' },
        fault: gateway.backendTlsFault,
      },
      ...(insecure === true && {
        [INSECURE]: {
          good: {
            reason: 'ConfigurationChanged',
            message: 'Gateway is operating in AllowInsecureFallback mode for frontend validation',
          },
        },
      }),
    }),
    ...(insecure === false && { withoutConditions: [INSECURE] }),
  };
}

/** A Gateway stays accepted as long as one of its listeners is valid. */
function acceptance(gateway: ConvertedGateway): { readonly good: Fault; readonly fault?: Fault | undefined } {
  const total = ((gateway.object.spec as GatewayApiGatewaySpec).listeners ?? []).length;
  const good = { reason: 'Accepted', message: 'Resource accepted' };
  if (gateway.fault !== undefined) return { good, fault: gateway.fault };
  if (total === 0 || gateway.validListeners >= total) return { good };
  const reason = 'ListenersNotValid';
  return gateway.validListeners === 0
    ? { good, fault: { reason, message: "None of the Gateway's listeners are valid" } }
    : { good: { reason, message: "One or more of the Gateway's listeners are invalid" } };
}

/** Whether clients without a valid certificate are let in somewhere; undefined where none are verified. */
function frontendIsInsecure({ spec }: KubeObject): boolean | undefined {
  const frontend = (spec as GatewayApiGatewaySpec).tls?.frontend;
  if (frontend === undefined) return undefined;
  const all = [frontend.default, ...(frontend.perPort ?? []).map(({ tls }) => tls)];
  return all.some((tls) => tls?.validation?.mode === 'AllowInsecureFallback');
}

export interface ListenerSetStatus {
  readonly listeners: readonly ListenerStatus[];
  readonly conditions: readonly WantedCondition[];
}

/** What the status of a ListenerSet says that its Gateway lets in. */
export function listenerSetStatus(set: ConvertedListenerSet, lookup: InstanceLookup): ListenerSetStatus {
  const instances = lookup.resolve({
    namespace: namespaceOf(set.gateway),
    hosts: set.services.hosts,
    ports: set.ports,
  });
  const noneValid =
    set.validListeners === 0
      ? { reason: 'ListenersNotValid', message: "None of the ListenerSet's listeners are valid" }
      : undefined;
  const { gatewayFault } = set;
  const parent = gatewayFault && { ...gatewayFault, message: `Parent not accepted: ${gatewayFault.message}` };
  return {
    // Unlike a Gateway, a ListenerSet does not tell that a listener takes no kind.
    listeners: set.listeners.map(withoutEmptyKinds),
    conditions: judge({
      Accepted: { good: { reason: 'Accepted', message: 'Resource accepted' }, fault: parent ?? noneValid },
      Programmed: {
        good: { reason: 'Programmed', message: programmedMessage(instances) },
        fault: noneValid ?? programmedFault(set.services.hosts, instances),
      },
    }),
  };
}

function withoutEmptyKinds(listener: ListenerStatus): ListenerStatus {
  const { supportedKinds, ...rest } = listener;
  return supportedKinds?.length === 0 ? rest : listener;
}

/** What the status of a ListenerSet says that its Gateway does not let in. */
export function refusedListenerSetStatus(message: string): ListenerSetStatus {
  const fault = { reason: 'NotAllowed', message };
  return { listeners: [], conditions: judge({ Accepted: { good: fault, fault }, Programmed: { good: fault, fault } }) };
}

/** A Gateway that another mesh serves: its addresses are what its author says. */
export function remoteGatewayStatus({ spec }: KubeObject): GatewayStatus {
  const { addresses = [] } = spec as GatewayApiGatewaySpec;
  return {
    ...(addresses.length > 0 && {
      addresses: addresses.map(({ type = 'IPAddress', value = '' }) => ({ type, value })),
    }),
    listeners: [],
    conditions: judge({
      Accepted: { good: { reason: 'Accepted', message: 'Resource accepted' } },
      Programmed: {
        good: { reason: 'Programmed', message: 'This Gateway is remote; Istio will not program it' },
      },
    }),
  };
}

const programmedMessage = ({ internal }: GatewayInstances): string =>
  internal.length === 0
    ? 'Resource programmed'
    : `Resource programmed, assigned to service(s) ${readableList(internal)}`;

function programmedFault(hosts: readonly string[], instances: GatewayInstances): Fault | undefined {
  const { internal, warnings, allUsable } = instances;
  if (hosts.length === 0) {
    return { reason: 'UnsupportedAddress', message: 'Failed to assign to any requested addresses' };
  }
  if (warnings.length === 0) return undefined;
  const why = warnings.join('; ');
  return {
    reason: allUsable ? 'AddressNotAssigned' : 'AddressNotUsable',
    message:
      internal.length === 0
        ? `Failed to assign to any requested addresses: ${why}`
        : `Assigned to service(s) ${readableList(internal)}, but failed to assign to all requested addresses: ${why}`,
  };
}

function readableList(items: readonly string[]): string {
  if (items.length <= 2) return items.join(' and ');
  return `${items.slice(0, -1).join(', ')}, and ${items.at(-1)}`;
}

/** Addresses from outside, else those inside the cluster: host names, or what an annotation says. */
function reportedAddresses(
  { object }: ConvertedOwner,
  instances: GatewayInstances,
): { readonly type: string; readonly value: string }[] {
  const wanted = object.metadata.annotations?.[ADDRESS_TYPE] ?? 'Hostname';
  const hosts = instances.internal.map((each) => each.slice(0, each.lastIndexOf(':')));
  const inside = [
    ...(wanted === 'Hostname' ? [] : instances.internalIps),
    ...(wanted === 'IPAddress' ? [] : new Set(hosts.filter((host) => !instances.pending.includes(host)))),
  ];
  return (instances.external.length > 0 ? instances.external : inside).map((value) => ({
    type: isIP(value) === 0 ? 'Hostname' : 'IPAddress',
    value,
  }));
}
