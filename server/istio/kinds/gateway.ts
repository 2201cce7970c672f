import type { KubeObject } from '#domain';
import { ipProblem, isUnixAddress, unixProblem } from '../rules/addresses.ts';
import { hasGatewaySemantics } from '../rules/annotations.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { gatewayHostProblems, isLabel } from '../rules/hosts.ts';
import { isHttp, isProtocol, isTls } from '../rules/protocols.ts';
import { checkServerTls } from '../rules/server-tls.ts';
import { checkPort } from '../rules/values.ts';
import { defineKind } from './definition.ts';

function checkServerPort(port: Field, bind: Field, findings: Findings): boolean {
  if (!port.exists) {
    findings.reject(port, 'port is required', 'Add port with number, name and protocol.');
    return false;
  }
  const before = findings.problems.length;
  const protocol = port.get('protocol');
  if (!isProtocol(protocol.text)) {
    const message = `invalid protocol "${protocol.text}", supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP`;
    findings.reject(protocol, message, 'Use HTTP for plain traffic or HTTPS for TLS.');
  }
  if (port.get('number').number > 0 || !isUnixAddress(bind.text)) checkPort(port.get('number'), findings);
  if (port.get('targetPort').number > 0)
    findings.reject(port.get('targetPort'), 'targetPort has no impact on Gateways');
  if (port.get('name').text === '') {
    findings.reject(
      port.get('name'),
      `port name must be set: number:${port.get('number').number}`,
      'Add port.name, such as http.',
    );
  }
  return findings.problems.length === before;
}

function checkBind(server: Field, findings: Findings): void {
  const bind = server.get('bind');
  if (bind.text === '') return;
  if (!isUnixAddress(bind.text)) {
    findings.check(bind, ipProblem(bind.text));
    return;
  }
  findings.check(bind, unixProblem(bind.text));
  if (server.at('port.number').number !== 0) {
    findings.reject(server.get('port'), 'port number must be 0 for unix domain socket');
  }
}

/** TLS settings where the protocol is encrypted, and nowhere else. */
function checkTlsFitsProtocol(server: Field, findings: Findings): void {
  const protocol = server.at('port.protocol').text;
  const tls = server.get('tls');
  if (isTls(protocol) && !tls.exists) {
    const hint = 'Add tls with a mode, and credentialName for SIMPLE.';
    findings.reject(server, 'server must have TLS settings for HTTPS/TLS protocols', hint);
  } else if (!isTls(protocol) && tls.exists) {
    const passes = ['', 'PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(tls.get('mode').text);
    const certificates = ['caCertificates', 'privateKey', 'serverCertificate'].some(
      (name) => tls.get(name).text !== '',
    );
    if (isHttp(protocol) && passes && !certificates) return;
    const what = isHttp(protocol) ? 'plain text HTTP' : 'non HTTPS/TLS';
    const hint = 'Use protocol HTTPS, or remove tls; on HTTP only httpsRedirect makes sense.';
    findings.reject(tls, `server cannot have TLS settings for ${what} ports`, hint);
  }
}

/** `converted`: the Gateway stands for one of the Gateway API. */
function checkServer(server: Field, converted: boolean, findings: Findings): void {
  const hosts = server.get('hosts');
  if (hosts.items.length === 0) {
    findings.reject(server, 'server config must contain at least one host', 'Add hosts, for example "*".');
  }
  for (const host of hosts.items) {
    for (const problem of gatewayHostProblems(host.text, { noneAllowed: converted })) {
      findings.reject(host, problem, 'Write a full host name, *.example.com, or "*".');
    }
  }
  const portValid = checkServerPort(server.get('port'), server.get('bind'), findings);
  checkBind(server, findings);
  checkServerTls(server.get('tls'), findings);
  if (portValid) checkTlsFitsProtocol(server, findings);
}

function check(spec: Field, findings: Findings, object: KubeObject): void {
  const { name } = object.metadata;
  const converted = hasGatewaySemantics(object);
  if (name && !isLabel(name) && !converted) {
    findings.reject(
      spec,
      `invalid gateway name: "${name}"`,
      'Use letters, digits and hyphens: a Gateway name has no dots.',
    );
  }
  const servers = spec.get('servers').items;
  if (servers.length === 0)
    findings.reject(spec, 'gateway must have at least one server', 'Add servers with a port and hosts.');
  const names = new Set<string>();
  for (const server of servers) {
    if (!server.exists) {
      findings.reject(server, 'server may not be nil');
      continue;
    }
    checkServer(server, converted, findings);
    const port = server.get('port');
    if (!port.exists) continue;
    const portName = port.get('name').text;
    if (names.has(portName)) {
      const message = `port names in servers must be unique: duplicate name ${portName}`;
      findings.reject(port.get('name'), message, 'Give each server another port name.');
    }
    names.add(portName);
    const redirect = server.at('tls.httpsRedirect');
    if (redirect.isTrue && !isHttp(port.get('protocol').text)) {
      findings.warn(
        redirect,
        'tls.httpsRedirect should only be used with http servers',
        'Move it to the server on port 80.',
      );
    }
  }
}

export const gatewayKind = defineKind({
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gw'],
  check,
});
