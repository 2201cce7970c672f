import { describe } from 'vitest';
import { both } from './both.ts';
import { destinationRule, gateway, peerAuthentication } from './manifests.ts';

describe('DestinationRule', () => {
  const policy = (text: string): string => destinationRule(`trafficPolicy: {${text}}`);
  const pool = policy('connectionPool: {tcp: {maxConnections: 100}, http: {http1MaxPendingRequests: 1}}');
  both([
    [
      'refuses a subset twice',
      destinationRule('subsets: [{name: v1}, {name: v1}]'),
      'IST0106 spec.subsets[1].name: duplicate subset names: v1',
      destinationRule('subsets: [{name: v1, labels: {version: v1}}, {name: v2}]'),
    ],
    [
      'refuses a bad subset label',
      destinationRule('subsets: [{name: v1, labels: {version: "v 1"}}]'),
      'invalid tag value: "v 1"',
      destinationRule('subsets: [{name: v1, labels: {version: v1}}]'),
    ],
    ['refuses an empty policy', policy(''), 'traffic policy must have at least one field', pool],
    ['refuses an empty pool', policy('connectionPool: {}'), 'connection pool must have at least one field', pool],
    [
      'refuses a negative limit',
      policy('connectionPool: {tcp: {maxConnections: -1}}'),
      'max connections must be non-negative',
      pool,
    ],
    [
      'refuses a bad connect timeout',
      policy('connectionPool: {tcp: {connectTimeout: soon}}'),
      'invalid duration "soon"',
      policy('connectionPool: {tcp: {connectTimeout: 10s, idleTimeout: 0s}}'),
    ],
    [
      'refuses a percentage over 100',
      policy('outlierDetection: {maxEjectionPercent: 101}'),
      'percentage 101 is not in range 0..100',
      policy('outlierDetection: {consecutive5xxErrors: 5, interval: 10s, maxEjectionPercent: 100}'),
    ],
    [
      'refuses local errors without the split',
      policy('outlierDetection: {consecutiveLocalOriginFailures: 3}'),
      'split external local origin errors is set to false',
      policy('outlierDetection: {consecutiveLocalOriginFailures: 3, splitExternalLocalOriginErrors: true}'),
    ],
    [
      'warns of consecutiveErrors',
      policy('outlierDetection: {consecutiveErrors: 3}'),
      'IST0133 spec.trafficPolicy.outlierDetection.consecutiveErrors',
      policy('outlierDetection: {consecutiveGatewayErrors: 3}'),
    ],
    [
      'refuses a table that is no prime',
      policy('loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}'),
      'must be a prime number',
      policy('loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 65537}}}'),
    ],
    [
      'refuses two hash keys',
      policy('loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: x}}'),
      'consistentHash in body must validate one and only one schema (oneOf)',
      policy('loadBalancer: {consistentHash: {httpHeaderName: x}}'),
    ],
    [
      'refuses simple beside consistentHash',
      policy('loadBalancer: {simple: RANDOM, consistentHash: {httpHeaderName: x}}'),
      'loadBalancer in body must validate one and only one schema (oneOf)',
      policy('loadBalancer: {simple: RANDOM}'),
    ],
    [
      'refuses locality weights that are no 100',
      policy('loadBalancer: {localityLbSetting: {distribute: [{from: "a/*", to: {"a/*": 80}}]}}'),
      'total locality weight 80 != 100',
      policy('loadBalancer: {localityLbSetting: {distribute: [{from: "a/*", to: {"a/*": 80, "b/*": 20}}]}}'),
    ],
    [
      'warns of failover that never happens',
      policy('loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}'),
      'outlier detection policy must be provided for failover',
      policy('outlierDetection: {interval: 1s}, loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}'),
    ],
    [
      'asks for a client certificate',
      policy('tls: {mode: MUTUAL}'),
      'client certificate required for mutual tls',
      policy('tls: {mode: ISTIO_MUTUAL}'),
    ],
    [
      'asks for a port at port level',
      policy('portLevelSettings: [{tls: {mode: SIMPLE}}]'),
      'portTrafficPolicy must have valid port',
      policy('portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]'),
    ],
  ]);
});

describe('Gateway', () => {
  const http = '- port: {number: 80, name: http, protocol: HTTP}\n  hosts: ["*"]';
  const server = (port: string, more = ''): string => gateway(`- port: {${port}}\n  hosts: [a.com]\n${more}`.trimEnd());
  const https = 'number: 443, name: https, protocol: HTTPS';
  both([
    [
      'asks for a server',
      gateway('[]').replace('  servers:\n  []', '  servers: []'),
      'gateway must have at least one server',
      gateway(http),
    ],
    [
      'refuses short names',
      gateway(http.replace('"*"', 'reviews')),
      'short names (non FQDN) are not allowed',
      gateway(http.replace('"*"', 'shop/a.com')),
    ],
    [
      'refuses a partial wildcard',
      gateway(http.replace('"*"', '"*a.com"')),
      'partial wildcard "*a.com" not allowed',
      gateway(http.replace('"*"', '"*.a.com"')),
    ],
    [
      'refuses an unknown protocol',
      server('number: 80, name: x, protocol: HTTP3'),
      'invalid protocol "HTTP3"',
      server('number: 80, name: x, protocol: GRPC'),
    ],
    [
      'refuses port 0',
      server('number: 0, name: x, protocol: HTTP'),
      'port number 0 must be in the range',
      gateway(http),
    ],
    [
      'refuses a port name twice',
      gateway(`${http}\n${http.replace('80', '81')}`),
      'port names in servers must be unique: duplicate name http',
      gateway(`${http}\n${http.replace('80', '81').replace('name: http', 'name: http2')}`),
    ],
    [
      'asks HTTPS for TLS',
      server(https),
      'server must have TLS settings for HTTPS/TLS protocols',
      server(https, '  tls: {mode: SIMPLE, credentialName: cert}'),
    ],
    [
      'refuses TLS on plain HTTP',
      server('number: 80, name: x, protocol: HTTP', '  tls: {mode: SIMPLE, credentialName: c}'),
      'server cannot have TLS settings for plain text HTTP ports',
      server('number: 80, name: x, protocol: HTTP', '  tls: {httpsRedirect: true}'),
    ],
    [
      'asks SIMPLE for a certificate',
      server(https, '  tls: {mode: SIMPLE}'),
      'SIMPLE TLS requires a server certificate',
      server(https, '  tls: {mode: SIMPLE, serverCertificate: a, privateKey: b}'),
    ],
    [
      'asks MUTUAL for a CA',
      server(https, '  tls: {mode: MUTUAL, serverCertificate: a, privateKey: b}'),
      'MUTUAL TLS requires a client CA bundle',
      server(https, '  tls: {mode: MUTUAL, credentialName: c}'),
    ],
    [
      'refuses two sources of certificates',
      server(https, '  tls: {mode: SIMPLE, credentialName: c, serverCertificate: a, privateKey: b}'),
      'only one of credential_name',
      server(https, '  tls: {mode: SIMPLE, credentialName: c}'),
    ],
    [
      'refuses certificates for ISTIO_MUTUAL',
      server(https, '  tls: {mode: ISTIO_MUTUAL, credentialName: c}'),
      'ISTIO_MUTUAL TLS cannot have associated credentialName',
      server(https, '  tls: {mode: ISTIO_MUTUAL}'),
    ],
    [
      'warns of a redirect on HTTPS',
      server(https, '  tls: {mode: SIMPLE, credentialName: c, httpsRedirect: true}'),
      'tls.httpsRedirect should only be used with http servers',
      server(https, '  tls: {mode: PASSTHROUGH}'),
    ],
  ]);
});

describe('PeerAuthentication', () => {
  const selector = 'selector: {matchLabels: {app: reviews}}';
  both([
    [
      'refuses ports without a selector',
      peerAuthentication('portLevelMtls: {"8080": {mode: DISABLE}}'),
      'mesh/namespace peer authentication cannot have port level mTLS',
      peerAuthentication(`${selector}\nportLevelMtls: {"8080": {mode: DISABLE}}`),
    ],
    [
      'refuses an empty port map',
      peerAuthentication(`${selector}\nportLevelMtls: {}`),
      'must have at least one element',
      peerAuthentication('mtls: {mode: STRICT}'),
    ],
    [
      'refuses a port out of range',
      peerAuthentication(`${selector}\nportLevelMtls: {"70000": {mode: STRICT}}`),
      'port must be in range 1..65535',
      peerAuthentication('mtls: {mode: PERMISSIVE}'),
    ],
    [
      'refuses a wildcard',
      peerAuthentication('selector: {matchLabels: {app: "re*"}}'),
      'wildcard is not supported in selector: "app=re*"',
      peerAuthentication(selector),
    ],
    [
      'warns of a selector without labels',
      peerAuthentication('selector: {}'),
      'IST0133 spec.selector: workload selector specified without labels',
      peerAuthentication(selector),
    ],
  ]);
});
