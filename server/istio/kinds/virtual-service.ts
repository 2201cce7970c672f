import type { KubeObject } from '#domain';
import { isIpAddress, subnetProblem } from '../rules/addresses.ts';
import { hasGatewaySemantics } from '../rules/annotations.ts';
import { checkDestinations } from '../rules/destinations.ts';
import { checkExportTo } from '../rules/export-to.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { isJwtClaim } from '../rules/headers.ts';
import { hostsMatch, isSubsetOf, wildcardDomainProblem } from '../rules/hosts.ts';
import { checkHttpRoute } from '../rules/http-route.ts';
import { checkLabels } from '../rules/labels.ts';
import { checkCatchAll, checkUnreachable } from '../rules/unreachable.ts';
import { checkGatewayNames, checkPort } from '../rules/values.ts';
import { defineKind, specColumn } from './definition.ts';

/** Bound to gateways only: as soon as `mesh` is named too, the rules for sidecars hold. */
const bindsGateway = (spec: Field): boolean => {
  const gateways = spec.get('gateways').texts;
  return gateways.length > 0 && !gateways.includes('mesh');
};

const hasSni = (spec: Field): boolean =>
  spec
    .get('tls')
    .items.some((route) => route.get('match').items.some((match) => match.get('sniHosts').items.length > 0));

/** The SNI of mesh traffic that an east-west gateway passes on: `outbound_.80_._.reviews.default.svc.cluster.local`. */
function meshSniProblem(domain: string): string | undefined {
  // Dots at the ends belong to no part.
  const [, port = '', , name] = domain.split('_').map((part) => part.replace(/^\.+|\.+$/g, ''));
  const form = 'outbound_.<PORT>_._.<HOSTNAME>';
  if (name === undefined) return `domain name ${domain} invalid, should follow '${form}' format`;
  const wrong = (label: string): string =>
    `domain name "${domain}" invalid (label "${label}" invalid). should follow ${form} format`;
  if (!/\d/.test(port)) return wrong(port);
  return /[a-zA-Z]/.test(name) ? undefined : wrong(name);
}

/** What is wrong with a host. `sni`: it may have the form of mesh traffic, as a gateway's hosts may. */
function hostProblem(host: string, sni: boolean): string | undefined {
  if (isIpAddress(host)) return undefined;
  return sni && host.startsWith('outbound_') ? meshSniProblem(host) : wildcardDomainProblem(host);
}

function checkHosts(spec: Field, findings: Findings): void {
  const hosts = spec.get('hosts').items;
  let valid = true;
  for (const host of hosts) {
    const wrong = hostProblem(host.text, bindsGateway(spec) && hasSni(spec));
    if (wrong) {
      findings.reject(
        host,
        wrong,
        'Write a service name such as reviews, a full host name, or one with * as its first label.',
      );
      valid = false;
    } else if (!bindsGateway(spec) && host.text === '*') {
      const hint = 'Name the services, or bind the VirtualService to a Gateway.';
      findings.reject(host, 'wildcard host * is not allowed for virtual services bound to the mesh gateway', hint);
      valid = false;
    }
  }
  if (!valid) return;
  for (const [index, host] of hosts.entries()) {
    const earlier = hosts.slice(0, index).find((each) => hostsMatch(each.text, host.text));
    if (earlier) {
      findings.reject(
        host,
        `duplicate hosts in virtual service: ${earlier.text} & ${host.text}`,
        'Keep one of the two hosts.',
      );
    }
  }
}

/** A VirtualService without hosts is one that others delegate to. */
function checkDelegate(spec: Field, findings: Findings): void {
  if (spec.get('gateways').items.length > 0) {
    findings.reject(
      spec.get('gateways'),
      'delegate virtual service must have no gateways specified',
      'Add hosts, or remove gateways.',
    );
  }
  for (const protocol of ['tls', 'tcp']) {
    if (spec.get(protocol).items.length === 0) continue;
    findings.reject(spec.get(protocol), `delegate virtual service must have no ${protocol} route specified`);
  }
}

function checkClaims(spec: Field, findings: Findings): void {
  if (bindsGateway(spec)) return;
  for (const route of spec.get('http').items) {
    for (const match of route.get('match').items) {
      for (const [name, header] of [...match.get('headers').entries, ...match.get('withoutHeaders').entries]) {
        if (!isJwtClaim(name)) continue;
        const gateways = spec.get('gateways').texts.join(' ');
        const message = `JWT claim based routing (key: ${name}) is only supported for gateway, found no gateways: [${gateways}]`;
        findings.reject(header, message);
      }
    }
  }
}

function checkL4Match(match: Field, findings: Findings): void {
  for (const subnet of match.get('destinationSubnets').items) findings.check(subnet, subnetProblem(subnet.text));
  if (match.get('port').number !== 0) checkPort(match.get('port'), findings);
  checkLabels(match.get('sourceLabels'), findings);
  checkGatewayNames(match.get('gateways'), findings);
}

function checkSniHost(sni: Field, spec: Field, findings: Findings): void {
  // Istio takes a VirtualService without gateways for one that is bound to a gateway, here only.
  const forGateway = !spec.get('gateways').texts.includes('mesh');
  if (isIpAddress(sni.text) && wildcardDomainProblem(sni.text)) {
    const message = `using an IP address ("${sni.text}") goes against SNI spec and most clients do not support this`;
    findings.warn(sni, message, 'Use a host name.');
    return;
  }
  const wrong = hostProblem(sni.text, forGateway);
  const hosts = spec.get('hosts').texts;
  if (wrong) findings.reject(sni, wrong);
  else if (!hosts.some((host) => isSubsetOf(sni.text, host))) {
    const message = `SNI host "${sni.text}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(', ')}]`;
    findings.reject(sni, message, 'Add the host to hosts as well.');
  }
}

interface Context {
  readonly spec: Field;
  /** The VirtualService stands for a route of the Gateway API. */
  readonly converted: boolean;
}

function checkTlsRoute(route: Field, { spec, converted }: Context, findings: Findings): void {
  const matches = route.get('match').items;
  if (matches.length === 0)
    findings.reject(route, 'TLS route must have at least one match condition', 'Add match with sniHosts.');
  for (const match of matches) {
    const names = match.get('sniHosts').items;
    if (names.length === 0) findings.reject(match, 'TLS match must have at least one SNI host');
    for (const name of names) checkSniHost(name, spec, findings);
    checkL4Match(match, findings);
  }
  if (route.get('route').items.length === 0)
    findings.reject(route, 'TLS route is required', 'Add route with a destination.');
  checkDestinations(route.get('route'), findings, { withHeaders: false, converted });
}

function checkTcpRoute(route: Field, { converted }: Context, findings: Findings): void {
  // Istio drops the warnings about the gateways of a match.
  findings.withoutWarnings(() => {
    for (const match of route.get('match').items) checkL4Match(match, findings);
  });
  if (route.get('route').items.length === 0)
    findings.reject(route, 'TCP route is required', 'Add route with a destination.');
  checkDestinations(route.get('route'), findings, { withHeaders: false, converted });
}

function check(spec: Field, findings: Findings, object: KubeObject): void {
  const delegate = spec.get('hosts').items.length === 0;
  if (delegate) checkDelegate(spec, findings);
  const context: Context = { spec, converted: hasGatewaySemantics(object) };
  checkGatewayNames(spec.get('gateways'), findings, { anyName: context.converted });
  checkClaims(spec, findings);
  checkHosts(spec, findings);
  const [http, tls, tcp] = ['http', 'tls', 'tcp'].map((protocol) => spec.get(protocol).items);
  if (!http?.length && !tls?.length && !tcp?.length) {
    const hint = 'Add http with at least one route.';
    findings.reject(spec, 'http, tcp or tls must be provided in virtual service', hint);
  }
  for (const route of http ?? []) {
    if (route.exists) checkHttpRoute(route, findings, { delegate, converted: context.converted });
    else findings.reject(route, 'http route may not be null');
  }
  for (const route of tls ?? []) checkTlsRoute(route, context, findings);
  for (const route of tcp ?? []) checkTcpRoute(route, context, findings);
  checkExportTo(spec.get('exportTo'), { namespace: object.metadata.namespace ?? 'default' }, findings);
  for (const rules of [http, tcp, tls]) checkUnreachable(rules ?? [], findings);
  checkCatchAll(http ?? [], findings);
}

export const virtualServiceKind = defineKind({
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'VirtualService',
  plural: 'virtualservices',
  shortNames: ['vs'],
  columns: [specColumn('Gateways', 'gateways'), specColumn('Hosts', 'hosts')],
  check,
});
