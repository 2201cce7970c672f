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
  /** What was known of the connection before any request. */
  readonly connection: AskedConnection;
}

/** A connection as it came to the proxy. */
export interface AskedConnection {
  /** `10.0.0.1:443`: where the client meant to go; of a gateway its own address. Empty: not known. */
  readonly destination: string;
  /** The name that TLS asked for; empty: none. */
  readonly serverName: string;
  readonly isTls: boolean;
  /** Its bytes were passed on as they came, or to nobody: it carried no request that the proxy has read. */
  readonly isRaw: boolean;
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
  /** Port of the virtual host, else of the authority, else 80; of a connection without requests the one that it went to. */
  readonly port: number;
  readonly connection: AskedConnection;
  /** The port of the proxy's pod that a gateway's client came to; 0: not known. */
  readonly listens: number;
}

export function inquire(snapshot: MeshSnapshot, question: LeftOutQuestion): Inquiry {
  const { connection } = question;
  const proxy = viewProxy(snapshot, question.node);
  const asked = splitPort(askedOf(question).toLowerCase());
  const taken = splitPort(question.virtualHost.toLowerCase());
  const listens = splitPort(connection.destination).port ?? 0;
  const inTheMesh = (name: string): string => completeName(snapshot, name, proxy.namespace);
  const isHost = taken.port !== undefined && taken.host !== '*' && proxy.role !== 'router';
  return {
    snapshot,
    proxy,
    scope: createScope(snapshot, proxy),
    host: isHost ? taken.host : meantHost(inTheMesh(asked.host), question, snapshot),
    port: taken.port ?? asked.port ?? (connection.isRaw ? listens : connection.isTls ? 443 : 80),
    connection,
    listens,
  };
}

/** A connection to an address that no service has is known by the name that TLS asks for. */
function meantHost(host: string, { connection }: LeftOutQuestion, { services }: MeshSnapshot): string {
  const { isRaw, serverName } = connection;
  return isRaw && serverName !== '' && !services.byHost.has(host) ? serverName : host;
}

/** A connection without requests asks for what it went to; at a gateway, for a name or nothing. */
function askedOf({ authority, connection, node }: LeftOutQuestion): string {
  const { destination, serverName, isRaw } = connection;
  if (!isRaw || destination === '') return authority;
  if (!node.id.startsWith('router~')) return destination;
  return serverName === '' ? '' : serverName;
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
