import { fieldOf } from '../snapshot/config.ts';
import { usesGatewaySemantics } from '../snapshot/semantics.ts';
import { MESH_GATEWAY, type VirtualService } from '../snapshot/virtual-services.ts';
import { configPath } from '../translate/clusters/origin-metadata.ts';
import type { EgressListener } from '../translate/egress-scope.ts';
import { outboundRouteConfig } from '../translate/routes/routes-outbound.ts';
import { selectRules } from '../translate/routes/select-rules.ts';
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
  const winner = ruleInForce(inquiry);
  return snapshot.virtualServices
    .filter((rule) => isMeant(rule, host))
    .flatMap((rule) => {
      const whole = wholly(rule, inquiry);
      if (whole !== undefined) return [whole];
      const context = { scope: inquiry.scope, listenPort: inquiry.port, gateways: MESH };
      const hasRoutes = selectRules(rule, context).length > 0;
      const beaten = hasRoutes ? beatenBy(rule, winner, inquiry) : undefined;
      return beaten === undefined ? [...lostDelegates(rule, snapshot), ...omittedRules(rule, context)] : [beaten];
    });
}

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
