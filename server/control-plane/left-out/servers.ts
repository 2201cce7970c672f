import { type Config, fieldOf } from '../snapshot/config.ts';
import { hostsOverlap, labelsMatch } from '../snapshot/hosts.ts';
import type { GatewayServer, GatewaySpec } from '../snapshot/istio-types.ts';
import { virtualServicesFor } from '../snapshot/virtual-services.ts';
import { type BoundServer, bindServers, type GatewayPort, mergeGateways } from '../translate/gateway-servers.ts';
import { type Inquiry, type LeftOut, placeOf } from './question.ts';

const NAMES_OF_NOBODY = 'nobody names it in TLS';

/** The servers of Gateways that a connection or request to a gateway was not for, of those that it may have been meant for. */
export function serversLeftOut(inquiry: Inquiry): LeftOut[] {
  const { snapshot, proxy, listens } = inquiry;
  const { ports } = mergeGateways(snapshot, proxy);
  const merged = ports.flatMap((port) => port.servers.map((bound) => ({ port, bound })));
  return snapshot.gateways.flatMap((gateway): LeftOut[] => {
    const own = bindServers(snapshot, proxy, gateway);
    if (own.length === 0) return notSelected(gateway, inquiry);
    return own.flatMap(({ bound, listenPort }) => {
      const isHere = merged.some(
        ({ bound: { gatewayName, path } }) => gatewayName === bound.gatewayName && path === bound.path,
      );
      const reason =
        listenPort !== listens
          ? elsewhere(bound, inquiry)
          : isHere
            ? atThisPort(bound, inquiry)
            : crowdedOut(bound, { listenPort, ports });
      return reason === undefined ? [] : [told(bound, reason)];
    });
  });
}

interface Reason {
  readonly field: string;
  readonly words: string;
}

const told = ({ gateway, path }: BoundServer, { field, words }: Reason): LeftOut => {
  const origin = placeOf(fieldOf(gateway, `${path}${field}`));
  const { kind, namespace, name } = fieldOf(gateway, '');
  return { name: `${path.replace('spec.', '')} of ${kind} ${namespace}/${name}`, reason: words, origin };
};

/** What the client asked for by name; empty: nothing. */
const askedName = ({ connection, host }: Inquiry): string => (connection.isTls ? connection.serverName : host);

const takes = (hosts: readonly string[], name: string): boolean =>
  hosts.some((host) => hostsOverlap(host.slice(host.indexOf('/') + 1).toLowerCase(), name));

function notSelected(gateway: Config<GatewaySpec>, inquiry: Inquiry): LeftOut[] {
  const { selector = {}, servers = [] } = gateway.spec;
  const { labels } = inquiry.proxy;
  const name = askedName(inquiry);
  const isMeant = servers.some(({ hosts = [] }) => name !== '' && !hosts.includes('*') && takes(hosts, name));
  if (!isMeant || Object.keys(selector).length === 0 || labelsMatch(selector, labels)) return [];
  const [key = '', value = ''] = Object.entries(selector).find(([label, text]) => labels[label] !== text) ?? [];
  const own = labels[key];
  const { kind, namespace, name: object } = fieldOf(gateway, '');
  return [
    {
      name: `${kind} ${namespace}/${object}`,
      reason: `selects ${key}: ${value}, this proxy has ${own === undefined ? 'no such label' : `${key}: ${own}`}`,
      origin: placeOf(fieldOf(gateway, 'spec.selector')),
    },
  ];
}

/** A server on another port is told of where it takes the very name. */
function elsewhere({ server, hosts }: BoundServer, inquiry: Inquiry): Reason | undefined {
  const name = askedName(inquiry);
  if (name === '' || hosts.includes('*') || !takes(hosts, name)) return undefined;
  return { field: '.port', words: `is for port ${server.port.number}, the client came to port ${inquiry.port}` };
}

function atThisPort(bound: BoundServer, inquiry: Inquiry): Reason | undefined {
  const { server, hosts, gatewayName } = bound;
  const { snapshot, scope, connection } = inquiry;
  const name = askedName(inquiry);
  const asks = connection.isTls
    ? `the client asks for ${name === '' ? 'no name' : name} by TLS`
    : `the request is for ${name}`;
  const isNamed = name !== '' || hosts.includes('*');
  const isByName = server.tls !== undefined || !connection.isRaw;
  if (isByName && (!isNamed || (name !== '' && !takes(hosts, name)))) {
    const words = `takes ${hosts.join(', ')}, ${asks}${name === '' ? `: ${NAMES_OF_NOBODY}` : ''}`;
    return { field: '.hosts', words };
  }
  const rules = virtualServicesFor(snapshot.virtualServices, gatewayName, scope.namespace, snapshot.mesh);
  if (rules.some((rule) => name === '' || takes(rule.hosts, name))) return undefined;
  return { field: '', words: `has no VirtualService${name === '' ? '' : ` for ${name}`}` };
}

/** What stands on the port already keeps a server away. */
function crowdedOut(
  bound: BoundServer,
  { listenPort, ports }: { readonly listenPort: number; readonly ports: readonly GatewayPort[] },
): Reason {
  const others = ports.filter(({ port }) => port === listenPort).flatMap(({ servers }) => servers);
  const twin = others.find(
    ({ server, hosts }) => server.tls !== undefined && hosts.some((host) => bound.hosts.includes(host)),
  );
  if (bound.server.tls !== undefined && twin !== undefined) {
    return { field: '.hosts', words: `is left out: ${serverName(twin)} has a host of it on this port already` };
  }
  const [first] = others;
  const by = first === undefined ? 'another server' : `${serverName(first)} (${protocolOf(first.server)})`;
  return {
    field: '.port',
    words: `is left out: its ${protocolOf(bound.server)} cannot share port ${bound.server.port.number} with ${by}, which comes first`,
  };
}

const protocolOf = ({ port }: GatewayServer): string => port.protocol ?? 'TCP';

const serverName = ({ gatewayName, path }: BoundServer): string =>
  `${path.replace('spec.', '')} of Gateway ${gatewayName}`;
