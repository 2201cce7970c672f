import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { fqdnProblem, isIpAddress } from './hosts.ts';
import { checkLoadBalancer } from './load-balancer.ts';
import { checkDuration, checkPercent, checkPort } from './values.ts';

const BLOCKS = ['outlierDetection', 'connectionPool', 'loadBalancer', 'tls'] as const;
const TOP_BLOCKS = [...BLOCKS, 'portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'] as const;

/** `trafficPolicy` of a DestinationRule or of one of its subsets. */
export function checkTrafficPolicy(policy: Field, namespace: string, findings: Findings): void {
  if (!policy.exists) return;
  if (!TOP_BLOCKS.some((block) => policy.get(block).exists)) {
    findings.reject(policy, 'traffic policy must have at least one field', 'Add a setting, or remove trafficPolicy.');
    return;
  }
  if (policy.get('tunnel').exists && policy.get('proxyProtocol').exists) {
    findings.reject(policy, 'tunnel and proxyProtocol must not be set together', 'Keep one of them.');
  }
  checkBlocks(policy, namespace, findings);
  checkTunnel(policy.get('tunnel'), findings);
  for (const settings of policy.get('portLevelSettings').items) {
    if (!settings.get('port').exists)
      findings.reject(settings, 'portTrafficPolicy must have valid port', 'Add port.number.');
    if (BLOCKS.some((block) => settings.get(block).exists)) checkBlocks(settings, namespace, findings);
    else findings.reject(settings, 'port traffic policy must have at least one field');
  }
}

function checkBlocks(policy: Field, namespace: string, findings: Findings): void {
  checkOutlierDetection(policy.get('outlierDetection'), findings);
  checkConnectionPool(policy.get('connectionPool'), findings);
  checkLoadBalancer(policy.get('loadBalancer'), policy.get('outlierDetection'), findings);
  checkClientTls(policy.get('tls'), namespace, findings);
}

function checkTunnel(tunnel: Field, findings: Findings): void {
  if (!tunnel.exists) return;
  const protocol = tunnel.get('protocol');
  if (!['', 'CONNECT', 'POST'].includes(protocol.text)) {
    findings.reject(protocol, 'tunnel protocol must be "CONNECT" or "POST"');
  }
  const host = tunnel.get('targetHost');
  const wrong = isIpAddress(host.text) ? undefined : fqdnProblem(host.text);
  if (wrong) findings.reject(host, `tunnel target host must be valid FQDN or IP address: ${wrong}`);
  checkPort(tunnel.get('targetPort'), findings);
}

function checkOutlierDetection(outlier: Field, findings: Findings): void {
  if (!outlier.exists) return;
  checkDuration(outlier.get('baseEjectionTime'), findings);
  checkDuration(outlier.get('interval'), findings);
  checkPercent(outlier.get('maxEjectionPercent'), findings);
  checkPercent(outlier.get('minHealthPercent'), findings);
  const deprecated = outlier.get('consecutiveErrors');
  if (deprecated.number !== 0) {
    const message =
      'outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead';
    findings.warn(deprecated, message, 'Write consecutive5xxErrors.');
  }
  const local = outlier.get('consecutiveLocalOriginFailures');
  if (!outlier.get('splitExternalLocalOriginErrors').isTrue && local.number > 0) {
    const message =
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false';
    findings.reject(local, message, 'Set splitExternalLocalOriginErrors to true.');
  }
}

const LIMITS = {
  http: {
    http1MaxPendingRequests: 'http1 max pending requests',
    http2MaxRequests: 'http2 max requests',
    maxRequestsPerConnection: 'max requests per connection',
    maxRetries: 'max retries',
    maxConcurrentStreams: 'max concurrent streams',
  },
  tcp: { maxConnections: 'max connections' },
} as const;

function checkConnectionPool(pool: Field, findings: Findings): void {
  if (!pool.exists) return;
  const http = pool.get('http');
  const tcp = pool.get('tcp');
  if (!http.exists && !tcp.exists) {
    findings.reject(pool, 'connection pool must have at least one field', 'Add http or tcp under connectionPool.');
    return;
  }
  for (const side of ['http', 'tcp'] as const) {
    for (const [name, words] of Object.entries(LIMITS[side])) {
      const limit = pool.get(side).get(name);
      if (limit.number < 0) findings.reject(limit, `${words} must be non-negative`, 'Use 0 or more.');
    }
  }
  checkDuration(http.get('idleTimeout'), findings);
  if (http.get('h2UpgradePolicy').text === 'UPGRADE' && http.get('useClientProtocol').isTrue) {
    findings.reject(
      http.get('useClientProtocol'),
      'use client protocol must not be true when H2UpgradePolicy is UPGRADE',
    );
  }
  const keepAlive = http.get('http2KeepAlive');
  for (const name of keepAlive.exists ? ['interval', 'timeout'] : []) {
    if (!keepAlive.get(name).exists) findings.reject(keepAlive, `http2 keepalive ${name} is required`);
    else checkDuration(keepAlive.get(name), findings);
  }
  checkDuration(tcp.get('connectTimeout'), findings);
  checkDuration(tcp.get('maxConnectionDuration'), findings);
  checkDuration(tcp.get('idleTimeout'), findings, { zeroAllowed: true });
  checkDuration(tcp.at('tcpKeepalive.time'), findings);
  checkDuration(tcp.at('tcpKeepalive.interval'), findings);
}

/** TLS that a client proxy originates. */
function checkClientTls(tls: Field, namespace: string, findings: Findings): void {
  if (!tls.exists) return;
  const mode = tls.get('mode').text;
  const has = (name: string): boolean => tls.get(name).exists && tls.get(name).value !== '';
  const credential = tls.get('credentialName');
  if (credential.text.startsWith('configmap://')) {
    const owner = credential.text.slice('configmap://'.length).split('/');
    if (owner.length === 2 && owner[0] !== namespace) {
      const message = `invalid configmap:// credentialName: namespace must match the configuration namespace "${namespace}"`;
      findings.reject(credential, message);
    }
  }
  if (tls.get('insecureSkipVerify').isTrue) {
    const named = has('caCertificates') || has('subjectAltNames') || (mode === 'SIMPLE' && has('credentialName'));
    const fields =
      mode === 'SIMPLE' ? 'CaCertificates or CredentialName or SubjectAltNames' : 'CaCertificates or SubjectAltNames';
    if (named && (mode === 'SIMPLE' || mode === 'MUTUAL')) {
      findings.reject(tls.get('insecureSkipVerify'), `cannot specify ${fields} when InsecureSkipVerify is set true`);
    }
  }
  if ((mode === 'SIMPLE' || mode === 'MUTUAL') && has('credentialName')) {
    if (['clientCertificate', 'caCertificates', 'privateKey', 'caCrl'].some(has)) {
      findings.reject(tls, 'cannot specify client certificates or CA certificate or CA CRL If credentialName is set');
    }
    return;
  }
  if (mode !== 'MUTUAL') return;
  if (!has('clientCertificate'))
    findings.reject(tls, 'client certificate required for mutual tls', 'For mTLS inside the mesh use ISTIO_MUTUAL.');
  if (!has('privateKey'))
    findings.reject(tls, 'private key required for mutual tls', 'For mTLS inside the mesh use ISTIO_MUTUAL.');
}
