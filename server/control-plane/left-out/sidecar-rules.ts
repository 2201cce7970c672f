import { fieldOf } from '../snapshot/config.ts';
import { usesGatewaySemantics } from '../snapshot/semantics.ts';
import { portNumbered } from '../snapshot/service-ports.ts';
import type { ServicePort } from '../snapshot/services.ts';
import { MESH_GATEWAY, type VirtualService } from '../snapshot/virtual-services.ts';
import { configPath } from '../translate/clusters/origin-metadata.ts';
import type { EgressListener } from '../translate/egress-scope.ts';
import { outboundRouteConfig } from '../translate/routes/routes-outbound.ts';
import { selectRules } from '../translate/routes/select-rules.ts';
import { listFor, omittedL4Rules, type RuleList, wrongList } from './l4-rules.ts';
import { type Inquiry, type LeftOut, placeOf } from './question.ts';
import {
  hidden,
  hostPath,
  isMeant,
  lostDelegates,
  names,
  objectName,
  omittedRules,
  wholeLeftOut,
} from './virtual-services.ts';

const MESH: ReadonlySet<string> = new Set([MESH_GATEWAY]);

/** The VirtualServices, and rules of them, that a sidecar's routes for a host have nothing of. */
export function leftOutOfSidecar(inquiry: Inquiry): LeftOut[] {
  const { snapshot, host } = inquiry;
  const list = listOf(inquiry);
  if (list === undefined) return notOfUnknown(inquiry);
  if (list !== 'http') return leftOutOfConnection(inquiry, list);
  const winner = ruleInForce(inquiry);
  return snapshot.virtualServices
    .filter((rule) => isMeant(rule, host))
    .flatMap((rule) => {
      const whole = wholly(rule, inquiry) ?? wrongList(rule, list, here(inquiry));
      if (whole !== undefined) return [whole];
      const context = { scope: inquiry.scope, listenPort: inquiry.port, gateways: MESH };
      const hasRoutes = selectRules(rule, context).length > 0;
      const beaten = hasRoutes ? beatenBy(rule, winner, inquiry) : undefined;
      return beaten === undefined ? [...lostDelegates(rule, snapshot), ...omittedRules(rule, context)] : [beaten];
    });
}

/** Which rules count for what was asked for; undefined: the proxy knew no service there. */
function listOf({ scope, host, port, connection }: Inquiry): RuleList | undefined {
  if (!connection.isRaw) return 'http';
  const found = portOf(scope, host, port);
  return found && listFor(found.protocol, connection);
}

function portOf(scope: Inquiry['scope'], host: string, port: number): ServicePort | undefined {
  const service = scope.findService(host);
  return service && portNumbered(service, port);
}

function here({ scope, host, port }: Inquiry): { readonly port: number; readonly words: string } {
  const found = portOf(scope, host, port);
  const words =
    found === undefined ? `requests on port ${port} are read` : `port ${port}, ${found.name}, is of ${found.protocol}`;
  return { port, words };
}

/** What of a sidecar's rules for connections takes none of a port. */
function leftOutOfConnection(inquiry: Inquiry, list: 'tcp' | 'tls'): LeftOut[] {
  const { snapshot, host, scope, port } = inquiry;
  const away = snapshot.virtualServices
    .filter((rule) => isMeant(rule, host))
    .map((rule) => ({ rule, whole: wholly(rule, inquiry) ?? wrongList(rule, list, here(inquiry)) }));
  const there = (egressOf(inquiry)?.virtualServices ?? []).filter(
    (each) => names(each, host) && away.every(({ rule, whole }) => rule !== each || whole === undefined),
  );
  return [
    ...away.flatMap(({ whole }) => (whole === undefined ? [] : [whole])),
    ...omittedL4Rules(list, there, { scope, listenPort: port, gateways: MESH }),
  ];
}

/** Of a destination that is no service, only rules that name it may have been meant. */
const notOfUnknown = (inquiry: Inquiry): LeftOut[] =>
  inquiry.snapshot.virtualServices
    .filter((rule) => names(rule, inquiry.host) && !rule.hosts.includes('*'))
    .flatMap((rule) => wholly(rule, inquiry) ?? []);

/** The first thing that keeps a whole VirtualService from a sidecar. */
function wholly(rule: VirtualService, inquiry: Inquiry): LeftOut | undefined {
  const { host } = inquiry;
  if (!names(rule, host)) {
    return wholeLeftOut(rule.config, 'spec.hosts[0]', `is for ${rule.hosts.join(', ')}, the request is for ${host}`);
  }
  if (!rule.gateways.includes(MESH_GATEWAY)) {
    const reason = `is for gateway ${rule.gateways.join(', ')} alone: sidecars take what names gateway mesh, or none`;
    return wholeLeftOut(rule.config, 'spec.gateways', reason);
  }
  return hidden(rule, inquiry) ?? notImported(rule, inquiry);
}

/** The entry of the Sidecar that decides for the request's port. */
function egressOf({ scope, port }: Inquiry): EgressListener | undefined {
  return scope.egress.find(({ spec }) => spec?.port?.number === undefined || spec.port.number === port);
}

function notImported(rule: VirtualService, inquiry: Inquiry): LeftOut | undefined {
  const { sidecar } = inquiry.scope;
  const egress = egressOf(inquiry);
  if (sidecar === undefined || egress?.virtualServices.includes(rule)) return undefined;
  const path = egress?.spec === undefined ? 'spec.egress' : `spec.egress[${egress.index}].hosts`;
  const imported = egress?.spec?.hosts?.join(', ') ?? 'nothing on this port';
  return {
    name: objectName(rule.config),
    reason: `is not imported by Sidecar ${sidecar.namespace}/${sidecar.name}, which lets in ${imported}`,
    origin: placeOf(fieldOf(sidecar, path)),
  };
}

/** The VirtualService whose routes the host has, as its own route table tells; undefined: none. */
function ruleInForce({ scope, snapshot, host, port }: Inquiry): VirtualService | undefined {
  const table = outboundRouteConfig(scope, String(port));
  const own = table.virtual_hosts?.find(({ domains }) => domains.includes(host));
  const istio = own?.routes?.[0]?.metadata?.filter_metadata?.['istio'] as { config?: string } | undefined;
  return snapshot.virtualServices.find(({ config }) => configPath(fieldOf(config, '')) === istio?.config);
}

/** A sidecar's host belongs to one VirtualService: rules of a second one are not joined to it. */
function beatenBy(
  rule: VirtualService,
  winner: VirtualService | undefined,
  { host, scope, snapshot }: Inquiry,
): LeftOut | undefined {
  if (rule === winner) return undefined;
  if (winner !== undefined) {
    const reason = `is not joined to ${objectName(winner.config)}, which ${comesFirst(winner, rule, host)}: at a sidecar a host has one`;
    return wholeLeftOut(rule.config, hostPath(rule, host), reason);
  }
  if (!usesGatewaySemantics(rule.config)) return undefined;
  const home = snapshot.services.byHost.get(host);
  if (home === undefined || home.has(rule.config.namespace) || scope.namespace === rule.config.namespace)
    return undefined;
  const reason = `counts for clients of namespace ${rule.config.namespace} or for Services there; this proxy is in ${scope.namespace}`;
  return wholeLeftOut(rule.config, hostPath(rule, host), reason);
}

function comesFirst(winner: VirtualService, rule: VirtualService, host: string): string {
  const isExact = (each: VirtualService): boolean => each.hosts.some((own) => own.toLowerCase() === host);
  if (isExact(winner) && !isExact(rule)) return 'names the host exactly';
  return winner.config.createdMs < rule.config.createdMs ? 'is older' : 'comes first';
}
