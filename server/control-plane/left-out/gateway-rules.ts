import { intersectHosts } from '../snapshot/hosts.ts';
import type { VirtualService } from '../snapshot/virtual-services.ts';
import { type BoundServer, hostsForNamespace, mergeGateways } from '../translate/gateway-servers.ts';
import type { Inquiry, LeftOut } from './question.ts';
import { hidden, hostPath, isMeant, lostDelegates, names, omittedRules, wholeLeftOut } from './virtual-services.ts';

/** The VirtualServices, and rules of them, that a gateway's routes for a host have nothing of. */
export function leftOutOfGateway(inquiry: Inquiry): LeftOut[] {
  const { snapshot, proxy, port, host } = inquiry;
  const servers = [...mergeGateways(snapshot, proxy).tables.values()].flat();
  const onPort = servers.filter(({ server }) => server.port.number === port);
  const bound = onPort.length > 0 ? onPort : servers;
  const own = new Set(bound.map(({ gatewayName }) => gatewayName));
  return snapshot.virtualServices
    .filter((rule) => rule.gateways.some((name) => own.has(name)) || isMeant(rule, host))
    .flatMap((rule) => {
      const whole = wholly(rule, bound, inquiry);
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

/** A rule that one of the gateways takes is not left out. */
function partsOf(rule: VirtualService, bound: readonly BoundServer[], { scope }: Inquiry): LeftOut[] {
  const [first = [], ...others] = bound
    .filter(({ gatewayName }) => rule.gateways.includes(gatewayName))
    .map(({ gatewayName, server }) =>
      omittedRules(rule, { scope, listenPort: server.port.number, gateways: new Set([gatewayName]) }),
    );
  const isIn = (all: readonly LeftOut[], { name, origin }: LeftOut): boolean =>
    all.some((each) => each.name === name && each.origin.path === origin.path);
  return first.filter((each) => others.every((all) => isIn(all, each)));
}
