import type { GatewayServer } from '../snapshot/istio-types.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import type { ConflictReason } from './listener-conflicts.ts';
import { supportedKinds } from './listener-kinds.ts';
import { type ListenerOwner, type ListenerTlsResult, listenerTls } from './listener-tls.ts';
import { listenerHosts } from './namespaces.ts';
import { namespaceOf } from './objects.ts';
import type { ReferenceContext } from './reference-context.ts';
import type { RouteKind } from './references.ts';
import type { Listener } from './types.ts';

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds?: readonly { readonly group: string; readonly kind: RouteKind }[];
  readonly attachedRoutes: number;
  readonly conditions: readonly WantedCondition[];
}

export interface BuiltListener {
  /** Absent: no proxy is configured from it. */
  readonly server?: GatewayServer;
  readonly status: ListenerStatus;
  /** Whether proxies serve it. */
  readonly valid: boolean;
}

export interface ListenerInput extends ListenerOwner {
  readonly listener: Listener;
  /** A ListenerSet's listener without a port, whose protocol has no usual one. */
  readonly portFault?: string | undefined;
}

/** A listener as a server of an Istio Gateway, and what its status says. Source: buildListener in istio pilot. */
export function buildListener(input: ListenerInput, context: ReferenceContext): BuiltListener {
  const { listener, object } = input;
  const inSet = object.kind === 'ListenerSet';
  const tls = listenerTls(listener, input, context);
  const protocolFault = input.portFault ?? protocolProblem(listener.protocol);
  // A Gateway may keep such a listener as a placeholder for its ListenerSets.
  const lacksTls = tls.tls === undefined && (listener.protocol === 'HTTPS' || listener.protocol === 'TLS');
  const lacking = inSet && lacksTls ? `protocol is ${listener.protocol} but no TLS section is defined` : undefined;
  const unsupported = lacking ?? protocolFault;
  const accepted: Fault | undefined =
    unsupported === undefined ? rootsFault(tls) : { reason: 'UnsupportedProtocol', message: unsupported };
  const server: GatewayServer = {
    port: { name: 'default', number: listener.port, protocol: listener.protocol },
    hosts: listenerHosts(listener, namespaceOf(object), context.index),
    ...(tls.tls && { tls: tls.tls }),
  };
  return {
    ...(!lacksTls && { server }),
    status: status(
      listener,
      judge({
        Accepted: { good: { reason: 'Accepted', message: 'No errors found' }, fault: accepted },
        Conflicted: { good: { reason: 'NoConflicts', message: 'No errors found' }, goodStatus: 'False' },
        Programmed: {
          good: { reason: 'Programmed', message: 'No errors found' },
          fault: (tls.fault ?? lacking) ? { reason: 'Invalid', message: 'Bad TLS configuration' } : undefined,
        },
        ResolvedRefs: { good: { reason: 'ResolvedRefs', message: 'No errors found' }, fault: tls.fault },
      }),
    ),
    valid: tls.fault === undefined && protocolFault === undefined && lacking === undefined,
  };
}

/** A listener that another one of the same Gateway shuts out. */
export function conflictedListener(listener: Listener, reason: ConflictReason): BuiltListener {
  const fault = { reason, message: 'Listener has a conflict with another listener attached to the same Gateway' };
  return {
    status: status(
      listener,
      judge({
        Accepted: { good: fault, fault },
        Conflicted: { good: fault, goodStatus: 'True' },
        Programmed: { good: fault, fault },
      }),
    ),
    valid: false,
  };
}

function status(listener: Listener, conditions: readonly WantedCondition[]): ListenerStatus {
  const { kinds, valid } = supportedKinds(listener);
  const invalidKinds: WantedCondition = {
    type: 'ResolvedRefs',
    status: 'False',
    reason: 'InvalidRouteKinds',
    message: 'Invalid route kinds',
  };
  return {
    name: listener.name,
    supportedKinds: kinds,
    attachedRoutes: 0,
    conditions: valid ? conditions : [...conditions.filter(({ type }) => type !== 'ResolvedRefs'), invalidKinds],
  };
}

const ROOTS_REASONS: ReadonlySet<string> = new Set([
  'InvalidCACertificateRef',
  'InvalidCACertificateKind',
  'RefNotPermitted',
]);

/** Without roots no client can be verified, so the listener is not accepted. */
const rootsFault = ({ fault }: ListenerTlsResult): Fault | undefined =>
  fault !== undefined && ROOTS_REASONS.has(fault.reason)
    ? { reason: 'NoValidCACertificate', message: fault.message }
    : undefined;

const PROTOCOLS: ReadonlySet<string> = new Set(['HTTP', 'HTTPS', 'TLS', 'TCP']);

function protocolProblem(protocol: string): string | undefined {
  if (PROTOCOLS.has(protocol)) return undefined;
  if (protocol === 'HBONE') return 'protocol "HBONE" is only supported for waypoint proxies';
  const upper = protocol.toUpperCase();
  const hint = PROTOCOLS.has(upper) || upper === 'HBONE' ? `. hint: "${upper}" (uppercase) may be supported` : '';
  return `protocol "${protocol}" is unsupported${hint}`;
}
