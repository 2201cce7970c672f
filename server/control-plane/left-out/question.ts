import type { Origin } from '#domain';
import type { ProxyNode } from '#xds';
import type { FieldOrigin } from '../snapshot/field-origin.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { viewProxy } from '../translate/proxy-view.ts';
import { altHosts } from '../translate/routes/virtual-host-domains.ts';
import { createScope, type OutboundScope } from '../translate/scope.ts';

/** A request that a proxy has decided about, as far as that tells which rules were meant for it. */
export interface LeftOutQuestion {
  /** The proxy, outbound of a sidecar or a gateway. */
  readonly node: ProxyNode;
  /** Host that the request asked for; of a connection without one the address. */
  readonly authority: string;
  /** Name of the virtual host that took it: `reviews.default.svc.cluster.local:9080`; empty: none. */
  readonly virtualHost: string;
  /** Name of the cluster that its route chose; empty: none. */
  readonly cluster: string;
}

/** A rule that never reached the proxy, with the first thing that kept it away. */
export interface LeftOut {
  /** `VirtualService default/reviews`, `http[1] "late" of VirtualService default/reviews` */
  readonly name: string;
  /** In words that follow the name: `needs source label app: tester, this proxy has app: sleep`. */
  readonly reason: string;
  readonly origin: Origin;
}

/** What all parts of an answer look at. */
export interface Inquiry {
  readonly snapshot: MeshSnapshot;
  readonly scope: OutboundScope;
  readonly proxy: ReturnType<typeof viewProxy>;
  /** The complete name that the request means. */
  readonly host: string;
  /** Port of the virtual host, else of the authority, else 80. */
  readonly port: number;
}

export function inquire(snapshot: MeshSnapshot, question: LeftOutQuestion): Inquiry {
  const proxy = viewProxy(snapshot, question.node);
  const asked = splitPort(question.authority.toLowerCase());
  const taken = splitPort(question.virtualHost.toLowerCase());
  const isHost = taken.port !== undefined && taken.host !== '*' && proxy.role !== 'router';
  return {
    snapshot,
    proxy,
    scope: createScope(snapshot, proxy),
    host: isHost ? taken.host : completeName(snapshot, asked.host, proxy.namespace),
    port: taken.port ?? asked.port ?? 80,
  };
}

function splitPort(name: string): { readonly host: string; readonly port: number | undefined } {
  const [, host = name, port] = /^(.*):(\d+)$/.exec(name) ?? [];
  return { host, port: port === undefined ? undefined : Number(port) };
}

/** The host of the service that clients of a namespace call by this name or address. */
function completeName({ services }: MeshSnapshot, name: string, namespace: string): string {
  if (services.byHost.has(name)) return name;
  const called = services.all.find(
    ({ hostname, address, extraAddresses }) =>
      altHosts(hostname, namespace).includes(name) || address === name || extraAddresses.includes(name),
  );
  return called?.hostname ?? name;
}

/** The place of a field in the words of a decision. */
export const placeOf = ({ kind, namespace, name, path }: FieldOrigin): Origin => ({ kind, namespace, name, path });

/** `reviews` of `reviews.default.svc.cluster.local`: by that alone people take one host for another. */
export const firstLabel = (host: string): string => host.split('.')[0] ?? host;
