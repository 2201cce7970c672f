import type { KubeObject } from '#domain';
import { ipProblem, isUnixAddress, portNumber, splitHostPort, unixProblem } from '../rules/addresses.ts';
import { checkConnectionPool } from '../rules/connection-pool.ts';
import { checkDestination } from '../rules/destinations.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { egressHostProblems, fqdnProblem } from '../rules/hosts.ts';
import { checkLabelSelector } from '../rules/labels.ts';
import { isHttp, isProtocol, isTls } from '../rules/protocols.ts';
import { checkServerTls } from '../rules/server-tls.ts';
import { checkPort, checkPortName } from '../rules/values.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind } from './definition.ts';

function checkPortWords(port: Field, findings: Findings): void {
  const name = port.get('name');
  if (name.text !== '') checkPortName(name, name.text, findings);
  const protocol = port.get('protocol');
  if (protocol.text !== '' && !isProtocol(protocol.text)) {
    findings.reject(protocol, `unsupported protocol: ${protocol.text}`);
  }
  if (port.get('targetPort').number > 0) {
    findings.reject(port.get('targetPort'), 'targetPort has no impact on Sidecars', 'Use defaultEndpoint.');
  }
}

function checkBind(bind: Field, findings: Findings): void {
  if (bind.text !== '') findings.check(bind, ipProblem(bind.text));
}

const LOCAL = new Set(['', '127.0.0.1', '0.0.0.0', '::1', '::']);

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` or `unix:///path`. */
function checkEndpoint(endpoint: Field, findings: Findings): void {
  const { text } = endpoint;
  if (text === '') return;
  if (isUnixAddress(text)) {
    findings.check(endpoint, unixProblem(text));
    return;
  }
  const parts = splitHostPort(text);
  if (!parts) {
    const why = text.includes(':') ? 'too many colons in address' : 'missing port in address';
    findings.reject(endpoint, `address ${text}: ${why}`, 'Write 127.0.0.1 and the port.');
    return;
  }
  if (!LOCAL.has(parts.host)) {
    const forms = '127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,unix://filepath or unset';
    findings.reject(endpoint, `sidecar: defaultEndpoint must be of form ${forms}`);
  }
  const number = portNumber(parts.port);
  if (number === undefined) {
    findings.reject(
      endpoint,
      `sidecar: defaultEndpoint port (${parts.port}) is not a number: strconv.Atoi: parsing "${parts.port}": invalid syntax`,
    );
  } else if (number < 1 || number > 65_535) {
    findings.reject(endpoint, `port number ${number} must be in the range 1..65535`);
  }
}

const UNSUPPORTED_TLS = {
  subjectAltNames: 'subjectAltNames is not supported in ingress tls',
  httpsRedirect: 'httpsRedirect is not supported',
  credentialName: 'credentialName is not currently supported',
  credentialNames: 'credentialNames is not currently supported',
  tlsCertificates: 'tls_certificates is not currently supported',
} as const;

function checkIngressTls(tls: Field, protocol: string, findings: Findings): void {
  if (!tls.exists) return;
  for (const [name, words] of Object.entries(UNSUPPORTED_TLS)) {
    const field = tls.get(name);
    if (field.text !== '' || field.isTrue || field.items.length > 0) findings.reject(field, `sidecar: ${words}`);
  }
  const mode = tls.get('mode');
  if (mode.text === 'ISTIO_MUTUAL' || mode.text === 'AUTO_PASSTHROUGH') {
    findings.reject(mode, `configuration is invalid: cannot set mode to ${mode.text} in sidecar ingress tls`);
  }
  if (!isTls(protocol)) findings.reject(tls, 'server cannot have TLS settings for non HTTPS/TLS ports');
  checkServerTls(tls, findings);
}

function checkIngress(listener: Field, ports: Set<number>, findings: Findings): void {
  const port = listener.get('port');
  if (!port.exists) {
    findings.reject(port, 'sidecar: port is required for ingress listeners', 'Add port with number and protocol.');
    return;
  }
  checkPortWords(port, findings);
  const number = port.get('number').number;
  checkPort(port.get('number'), findings);
  checkBind(listener.get('bind'), findings);
  if (ports.has(number)) findings.reject(port, 'sidecar: ports on IP bound listeners must be unique');
  ports.add(number);
  checkEndpoint(listener.get('defaultEndpoint'), findings);
  const protocol = port.get('protocol').text;
  checkIngressTls(listener.get('tls'), protocol, findings);
  const pool = listener.get('connectionPool');
  checkConnectionPool(pool, findings);
  if (pool.get('http').exists && !isHttp(protocol)) {
    const message =
      `sidecar: HTTP connection pool settings are configured for port ${number} ("${port.get('name').text}") ` +
      `but its protocol is not HTTP (${protocol}); only TCP settings will apply`;
    findings.warn(pool.get('http'), message);
  }
}

interface Seen {
  readonly ports: Set<number>;
  readonly sockets: Set<string>;
}

function checkEgressPort(listener: Field, seen: Seen, findings: Findings): void {
  const port = listener.get('port');
  const bind = listener.get('bind');
  checkPortWords(port, findings);
  const number = port.get('number').number;
  if (number !== 0) {
    checkPort(port.get('number'), findings);
    checkBind(bind, findings);
    if (seen.ports.has(number)) findings.reject(port, 'sidecar: ports on IP bound listeners must be unique');
    seen.ports.add(number);
    return;
  }
  if (isUnixAddress(bind.text)) findings.check(bind, unixProblem(bind.text));
  else findings.reject(port, 'sidecar: ports with 0 value must have a unix domain socket bind address');
  const capture = listener.get('captureMode');
  if (!['', 'DEFAULT', 'NONE'].includes(capture.text)) {
    findings.reject(capture, 'sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners');
  }
  if (seen.sockets.has(bind.text)) {
    findings.reject(bind, 'sidecar: unix domain socket values for listeners must be unique');
  }
  seen.sockets.add(bind.text);
}

/** Hosts that a namespace already names, directly or by `*`. */
function warnOfDuplicates(hosts: readonly Field[], own: string, findings: Findings): void {
  const named = new Map<string, Set<string>>();
  for (const host of hosts) {
    const slash = host.text.indexOf('/');
    if (slash < 0 || host.text.startsWith('~')) continue;
    const stated = host.text.slice(0, slash);
    const service = host.text.slice(slash + 1);
    const namespace = stated === '.' ? own : stated;
    const before = named.get(namespace) ?? new Set<string>();
    const duplicated = service === '*' ? before.size > 0 : before.has(service) || before.has('*');
    if (duplicated) findings.warn(host, `duplicated egress host: ${host.text}`, 'Remove one of the two.');
    named.set(namespace, before.add(service));
  }
  const first = hosts[0];
  if (first && named.get('*')?.has('*') && named.size !== 1) {
    findings.warn(first, '`*/*` host select all resources, no other hosts can be added', 'Keep only */*.');
  }
}

function checkEgress(listener: Field, namespace: string, findings: Findings): void {
  const hosts = listener.get('hosts').items;
  if (hosts.length === 0) {
    const hint = 'Add hosts, for example "./*".';
    findings.reject(listener.get('hosts'), 'sidecar: egress listener must contain at least one host', hint);
  }
  for (const host of hosts) for (const wrong of egressHostProblems(host.text)) findings.reject(host, wrong);
  warnOfDuplicates(hosts, namespace, findings);
}

function checkEgressListeners(listeners: readonly Field[], namespace: string, findings: Findings): void {
  const seen: Seen = { ports: new Set(), sockets: new Set() };
  for (const [index, listener] of listeners.entries()) {
    if (listener.get('port').exists) checkEgressPort(listener, seen, findings);
    else if (index !== listeners.length - 1) {
      const message = 'sidecar: the egress listener with empty port should be the last listener in the list';
      findings.reject(listener, message);
    }
    checkEgress(listener, namespace, findings);
  }
}

function checkOutbound(policy: Field, findings: Findings): void {
  if (!policy.exists) return;
  const mode = policy.get('mode');
  const proxy = policy.get('egressProxy');
  if (mode.text === 'ALLOW_ANY_DYNAMIC_DNS') {
    const message = 'sidecar: ALLOW_ANY_DYNAMIC_DNS mode is only supported in MeshConfig, not in Sidecar resource';
    findings.reject(mode, message);
    return;
  }
  if (!proxy.exists) return;
  if (mode.text !== 'ALLOW_ANY') {
    findings.reject(proxy, 'sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode');
    return;
  }
  findings.check(proxy.get('host'), fqdnProblem(proxy.get('host').text));
  if (proxy.get('port').exists) checkDestination(proxy, findings);
  else findings.reject(proxy.get('port'), 'sidecar: egress_proxy port must be non-nil', 'Add port.number.');
}

function check(spec: Field, findings: Findings, object: KubeObject): void {
  if (!checkLabelSelector(spec.get('workloadSelector'), 'sidecar', findings)) return;
  const ingress = spec.get('ingress').items;
  const egress = spec.get('egress').items;
  const pool = spec.get('inboundConnectionPool');
  const outbound = spec.get('outboundTrafficPolicy');
  if (ingress.length === 0 && egress.length === 0 && !outbound.exists && !pool.exists) {
    findings.reject(spec, 'sidecar: empty configuration provided', 'Add egress with hosts, or ingress.');
    return;
  }
  const ports = new Set<number>();
  for (const listener of ingress) checkIngress(listener, ports, findings);
  checkConnectionPool(pool, findings);
  checkEgressListeners(egress, object.metadata.namespace ?? 'default', findings);
  checkOutbound(outbound, findings);
}

export const sidecarKind = defineKind({ ...NETWORKING, kind: 'Sidecar', plural: 'sidecars', check });
