import { intersectHosts } from '../snapshot/hosts.ts';
import { type PortProtocol, parseProtocol } from '../snapshot/protocol.ts';
import type { VirtualService } from '../snapshot/virtual-services.ts';
import { type BoundServer, hostsForNamespace, mergeGateways } from '../translate/gateway-servers.ts';
import { listForServer, omittedAtServer, wrongList } from './l4-rules.ts';
import type { Inquiry, LeftOut } from './question.ts';
import { hidden, hostPath, isMeant, lostDelegates, names, omittedRules, wholeLeftOut } from './virtual-services.ts';

/** The VirtualServices, and rules of them, that a gateway's routes for a host have nothing of. */
export function leftOutOfGateway(inquiry: Inquiry): LeftOut[] {
  const { snapshot, proxy, port, host, listens } = inquiry;
  const { ports } = mergeGateways(snapshot, proxy);
  const servers = ports.flatMap((each) => each.servers);
  const known = ports.filter((each) => each.port === listens).flatMap((each) => each.servers);
  const onPort = known.length > 0 ? known : servers.filter(({ server }) => server.port.number === port);
  const bound = onPort.length > 0 ? onPort : servers;
  const own = new Set(bound.map(({ gatewayName }) => gatewayName));
  return snapshot.virtualServices
    .filter((rule) => rule.gateways.some((name) => own.has(name)) || isMeant(rule, host))
    .flatMap((rule) => {
      const whole = wholly(rule, bound, inquiry) ?? ofOtherLists(rule, bound);
      return whole === undefined ? [...lostDelegates(rule, snapshot), ...partsOf(rule, bound, inquiry)] : [whole];
    });
}

function wholly(rule: VirtualService, bound: readonly BoundServer[], inquiry: Inquiry): LeftOut | undefined {
  const { host } = inquiry;
  if (!names(rule, host)) {
    return wholeLeftOut(rule.config, 'spec.hosts[0]', `is for ${rule.hosts.join(', ')}, the request is for ${host}`);
  }
  const servers = bound.filter(({ gatewayName }) => rule.gateways.includes(gatewayName));
  if (servers.length === 0) {
    const own = [...new Set(bound.map(({ gatewayName }) => gatewayName))].join(', ') || 'no gateway';
    return wholeLeftOut(rule.config, 'spec.gateways', `is for ${rule.gateways.join(', ')}, this proxy serves ${own}`);
  }
  const seen = hidden(rule, inquiry);
  if (seen !== undefined) return seen;
  const allowed = servers.flatMap((server) => hostsForNamespace(server, rule.config.namespace));
  if (intersectHosts(allowed, rule.hosts).length > 0) return undefined;
  const offered = servers.flatMap(({ hosts }) => hosts).join(', ');
  return wholeLeftOut(
    rule.config,
    hostPath(rule, host),
    `is for ${rule.hosts.join(', ')}, its gateway takes ${offered}`,
  );
}

/** Rules that none of the servers asks for. */
function ofOtherLists(rule: VirtualService, bound: readonly BoundServer[]): LeftOut | undefined {
  const own = bound.filter(({ gatewayName }) => rule.gateways.includes(gatewayName));
  const wrong = own.map((server) => {
    const list = listForServer(server, protocolOf(server));
    const { port, tls } = server.server;
    const mode = tls === undefined ? '' : ` in mode ${tls.mode ?? 'PASSTHROUGH'}`;
    return wrongList(rule, list, { port: port.number, words: `port ${port.number} is of ${port.protocol}${mode}` });
  });
  return wrong.every((each) => each !== undefined) ? wrong[0] : undefined;
}

const protocolOf = ({ server }: BoundServer): PortProtocol => parseProtocol(server.port.protocol);

function partsAt(server: BoundServer, rule: VirtualService, scope: Inquiry['scope']): LeftOut[] {
  const context = { scope, listenPort: server.server.port.number, gateways: new Set([server.gatewayName]) };
  const list = listForServer(server, protocolOf(server));
  return list === 'http' ? omittedRules(rule, context) : omittedAtServer(list, rule, context);
}

/** A rule that one of the gateways takes is not left out. */
function partsOf(rule: VirtualService, bound: readonly BoundServer[], { scope }: Inquiry): LeftOut[] {
  const [first = [], ...others] = bound
    .filter(({ gatewayName }) => rule.gateways.includes(gatewayName))
    .map((server) => partsAt(server, rule, scope));
  const isIn = (all: readonly LeftOut[], { name, origin }: LeftOut): boolean =>
    all.some((each) => each.name === name && each.origin.path === origin.path);
  return first.filter((each) => others.every((all) => isIn(all, each)));
}
