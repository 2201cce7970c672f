import type { KubeObject } from '#domain';
import { isIpAddress, subnetProblem } from '../rules/addresses.ts';
import { checkExportTo } from '../rules/export-to.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { fqdnProblem, partialWildcardProblem, wildcardDomainProblem } from '../rules/hosts.ts';
import { checkLabelSelector, checkLabels } from '../rules/labels.ts';
import { isHttp, isProtocol, isTcp, isTls } from '../rules/protocols.ts';
import { checkPort, checkPortName } from '../rules/values.ts';
import { checkEndpointPorts, checkWorkloadEntry } from '../rules/workload-entry.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind, specColumn } from './definition.ts';

/** A ServiceEntry with what its rules look at again and again. */
interface Entry {
  readonly spec: Field;
  readonly object: KubeObject;
  readonly resolution: string;
  readonly hosts: readonly Field[];
  readonly endpoints: readonly Field[];
  readonly ports: readonly Field[];
  readonly portNames: ReadonlySet<string>;
}

function checkHosts({ spec, hosts, resolution }: Entry, findings: Findings): void {
  if (hosts.length === 0) findings.reject(spec.get('hosts'), 'service entry must have at least one host', 'Add hosts.');
  for (const host of hosts) {
    if (host.text === '*') {
      findings.reject(host, `invalid host ${host.text}`, 'Name a host, or a domain such as *.example.com.');
      continue;
    }
    findings.check(host, wildcardDomainProblem(host.text), 'Write a full host name.');
    const partial = partialWildcardProblem(host.text);
    if (resolution !== 'DYNAMIC_DNS' && partial) findings.warn(host, partial);
  }
}

function checkAddresses({ spec, resolution }: Entry, findings: Findings): void {
  const addresses = spec.get('addresses').items;
  for (const address of addresses) findings.check(address, subnetProblem(address.text));
  const range = addresses.find(({ text }) => text.includes('/'));
  if (range && resolution !== 'NONE' && resolution !== 'STATIC') {
    findings.reject(range, 'CIDR addresses are allowed only for NONE/STATIC resolution types', 'Use single addresses.');
  }
}

const AUTO_ALLOCATE = 'networking.istio.io/enable-autoallocate-ip';

/** Whether Istio gives the entry an address of its own. */
const isAllocated = ({ object, resolution }: Entry): boolean =>
  resolution !== 'NONE' && object.metadata.labels?.[AUTO_ALLOCATE]?.toLowerCase() !== 'false';

function checkPorts(entry: Entry, findings: Findings): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  const unaddressed = entry.spec.get('addresses').items.length === 0 && !isAllocated(entry);
  for (const port of entry.ports) {
    const [name, number, protocol] = [port.get('name').text, port.get('number').number, port.get('protocol').text];
    if (names.has(name)) findings.reject(port.get('name'), `service entry port name "${name}" already defined`);
    if (numbers.has(number)) findings.reject(port.get('number'), `service entry port ${number} already defined`);
    names.add(name);
    numbers.add(number);
    if (port.get('targetPort').number !== 0) checkPort(port.get('targetPort'), findings);
    if (unaddressed && (protocol === '' || protocol === 'TCP')) {
      const message =
        'addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not enabled';
      findings.warn(port, message, 'Add addresses: without them the port catches all TCP traffic to its number.');
    }
    checkPortName(port.get('name'), name, findings);
    if (protocol !== '' && !isProtocol(protocol)) {
      findings.reject(port.get('protocol'), `unsupported protocol: ${protocol}`);
    }
    checkPort(port.get('number'), findings);
  }
}

function checkNone({ spec, endpoints }: Entry, findings: Findings): void {
  if (endpoints.length > 0) {
    const hint = 'Use resolution STATIC for addresses, DNS for names.';
    findings.reject(spec.get('endpoints'), 'no endpoints should be provided for resolution type none', hint);
  }
  if (spec.get('workloadSelector').exists) {
    findings.warn(spec.get('workloadSelector'), 'workloadSelector should not be set when resolution mode is NONE');
  }
}

function checkNamedEndpoint(endpoint: Field, portNames: ReadonlySet<string>, findings: Findings): void {
  const address = endpoint.get('address');
  if (!isIpAddress(address.text) && fqdnProblem(address.text)) {
    findings.reject(address, `endpoint address "${address.text}" is not a valid FQDN or an IP address`);
  }
  checkLabels(endpoint.get('labels'), findings);
  checkEndpointPorts(endpoint, portNames, findings);
}

function checkDns({ spec, hosts, endpoints, ports, portNames, resolution }: Entry, findings: Findings): void {
  const wild = endpoints.length === 0 ? hosts.find(({ text }) => fqdnProblem(text)) : undefined;
  if (wild) {
    const message =
      'hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode ' +
      `${resolution}, ${fqdnProblem(wild.text)}`;
    findings.reject(wild, message, 'Add endpoints, or name one host: DNS does not know wildcards.');
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    findings.reject(spec.get('endpoints'), `there must only be 0 or 1 endpoint for resolution mode ${resolution}`);
  }
  for (const endpoint of endpoints) checkNamedEndpoint(endpoint, portNames, findings);
  const addressed = spec.get('addresses').items.length > 0;
  if (addressed && hosts.length > 1 && ports.some((port) => isTcp(port.get('protocol').text))) {
    const message = 'service entry can not have more than one host specified simultaneously with address and tcp port';
    findings.warn(spec.get('hosts'), message);
  }
}

const PROXIED = new Set(['http', 'tls', 'grpc', 'http2']);
const WAYPOINT = 'istio.io/use-waypoint';

const usesWaypoint = ({ metadata }: KubeObject): boolean =>
  !['', 'none'].includes((metadata.labels?.[WAYPOINT] ?? '').toLowerCase());

function checkDynamicDns({ spec, object, hosts, endpoints, ports, resolution }: Entry, findings: Findings): void {
  if (hosts.length === 0) {
    findings.reject(spec.get('hosts'), `at least one wildcard host must be provided for resolution type ${resolution}`);
  }
  for (const host of hosts) {
    if (!host.text.startsWith('*')) findings.reject(host, `host must be wildcarded for resolution mode ${resolution}`);
  }
  if (spec.get('addresses').items.length > 0) {
    const why = 'HTTP route domains will only be generatedfrom the hosts field values';
    findings.reject(spec.get('addresses'), `addresses cannot be set for resolution type ${resolution}. ${why}`);
  }
  if (endpoints.length > 0) {
    const why = 'Destination IP address determined from hostsfield values';
    findings.reject(spec.get('endpoints'), `endpoints cannot be set for resolution type ${resolution}. ${why}`);
  }
  for (const port of ports) {
    if (PROXIED.has(port.get('protocol').text.toLowerCase())) continue;
    const message = `only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type ${resolution}`;
    findings.reject(port.get('protocol'), message);
  }
  if (spec.get('location').text === 'MESH_INTERNAL' && usesWaypoint(object)) {
    const message = `location MESH_INTERNAL with resolution type ${resolution} is not supported when using waypoints`;
    findings.reject(spec.get('location'), message);
  }
}

function checkResolution(entry: Entry, findings: Findings): void {
  const { resolution, endpoints, portNames } = entry;
  if (resolution === 'NONE') checkNone(entry, findings);
  else if (resolution === 'DYNAMIC_DNS') checkDynamicDns(entry, findings);
  else if (resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN') checkDns(entry, findings);
  else if (resolution === 'STATIC') {
    for (const endpoint of endpoints) {
      checkWorkloadEntry(endpoint, { servicePorts: portNames, namesAllowed: false }, findings);
    }
  }
}

/** Hosts can be told apart by HTTP's authority and by TLS' server name; plain TCP has neither. */
function checkSeveralHosts({ spec, hosts, ports, resolution }: Entry, findings: Findings): void {
  if (resolution === 'NONE' || hosts.length < 2) return;
  const plain = ports.find((port) => !isHttp(port.get('protocol').text) && !isTls(port.get('protocol').text));
  if (!plain) return;
  const hint = 'Give each host a ServiceEntry of its own.';
  findings.reject(spec.get('hosts'), 'multiple hosts provided with non-HTTP, non-TLS ports', hint);
}

function check(spec: Field, findings: Findings, object: KubeObject): void {
  const selector = spec.get('workloadSelector');
  if (!checkLabelSelector(selector, 'service entry', findings)) return;
  const ports = spec.get('ports').items;
  const entry: Entry = {
    spec,
    object,
    resolution: spec.get('resolution').text || 'NONE',
    hosts: spec.get('hosts').items,
    endpoints: spec.get('endpoints').items,
    ports,
    portNames: new Set(ports.map((port) => port.get('name').text)),
  };
  if (selector.exists && entry.endpoints.length > 0) {
    findings.reject(spec, 'only one of WorkloadSelector or Endpoints is allowed in Service Entry', 'Keep one of them.');
  }
  checkHosts(entry, findings);
  checkAddresses(entry, findings);
  checkPorts(entry, findings);
  checkResolution(entry, findings);
  checkSeveralHosts(entry, findings);
  const namespace = object.metadata.namespace ?? 'default';
  checkExportTo(spec.get('exportTo'), { namespace, noneAllowed: true }, findings);
}

export const serviceEntryKind = defineKind({
  ...NETWORKING,
  kind: 'ServiceEntry',
  plural: 'serviceentries',
  shortNames: ['se'],
  columns: [specColumn('Hosts', 'hosts'), specColumn('Location', 'location'), specColumn('Resolution', 'resolution')],
  check,
});
