import { isIpAddress, portNumber, splitHostPort } from '../rules/addresses.ts';
import { checkClientTls } from '../rules/client-tls.ts';
import type { Field } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';
import { fqdnProblem } from '../rules/hosts.ts';
import { checkDuration, checkPort, readDuration } from '../rules/values.ts';

/** What is wrong with `host:port`; undefined when nothing is. */
function addressProblem(address: string): string | undefined {
  const parts = splitHostPort(address);
  if (!parts) return `unable to split "${address}": address ${address}: missing port in address`;
  const number = portNumber(parts.port);
  if (number === undefined) return `port (${parts.port}) is not a number`;
  if (number < 1 || number > 65_535) return `port number ${number} must be in the range 1..65535`;
  const named = !fqdnProblem(parts.host) || isIpAddress(parts.host);
  return named ? undefined : `"${parts.host}" is not a valid hostname or an IP address`;
}

function checkAddress(field: Field, what: string, findings: Findings): void {
  // The node's own address stands in its place until a proxy starts.
  const wrong = addressProblem(field.text.replace('$(HOST_IP)', '127.0.0.1'));
  if (wrong) findings.reject(field, `${what}: ${wrong}`, 'Write a host name or an address, a colon and a port.');
}

/** Findings of a check with what they are about before each message. */
function prefixed(prefix: string, findings: Findings, check: (inner: Findings) => void): void {
  const inner = new Findings();
  check(inner);
  findings.problems.push(...inner.problems.map((each) => ({ ...each, message: `${prefix}: ${each.message}` })));
}

function checkTracing(tracing: Field, findings: Findings): void {
  for (const tracer of ['lightstep', 'zipkin', 'datadog'] as const) {
    const settings = tracing.get(tracer);
    if (!settings.exists) continue;
    const what =
      tracer === 'lightstep' ? 'invalid lightstep config: invalid lightstep address' : `invalid ${tracer} config`;
    checkAddress(settings.get('address'), what, findings);
    if (tracer === 'lightstep' && settings.get('accessToken').text === '') {
      findings.reject(settings, 'invalid lightstep config: access token is required');
    }
  }
  prefixed('invalid tracing TLS config', findings, (inner) => checkClientTls(tracing.get('tlsSettings'), '', inner));
}

function checkKeyProvider(provider: Field, findings: Findings): void {
  if (!provider.exists) return;
  const kind = ['cryptomb', 'qat'].find((name) => provider.get(name).exists);
  const reject = (field: Field, why: string): void =>
    findings.reject(field, `invalid private key provider configuration: ${why}`);
  if (kind === undefined) {
    reject(provider, 'private key provider configuration is required');
    return;
  }
  const delay = provider.get(kind).get('pollDelay');
  if (!delay.exists) reject(delay, 'pollDelay is required');
  else if (readDuration(delay, findings) === 0n) reject(delay, 'pollDelay must be non zero');
}

const NOT_NEGATIVE = {
  listenerPerConnectionBufferLimitBytes: 'listener_per_connection_buffer_limit_bytes',
  clusterPerConnectionBufferLimitBytes: 'cluster_per_connection_buffer_limit_bytes',
} as const;
const TIMES = {
  httpIdleTimeout: 'http_idle_timeout',
  httpMaxConnectionDuration: 'http_max_connection_duration',
  httpDrainTimeout: 'http_drain_timeout',
  httpRequestTimeout: 'http_request_timeout',
  httpRequestHeadersTimeout: 'http_request_headers_timeout',
  httpStreamIdleTimeout: 'http_stream_idle_timeout',
  httpMaxStreamDuration: 'http_max_stream_duration',
} as const;
const POSITIVE = {
  httpMaxConcurrentStreams: 'http_max_concurrent_streams',
  listenerConnectionLimit: 'listener_connection_limit',
  globalDownstreamConnectionLimit: 'global_downstream_connection_limit',
} as const;
const WINDOWS = {
  http2InitialStreamWindowSize: 'http2_initial_stream_window_size',
  http2InitialConnectionWindowSize: 'http2_initial_connection_window_size',
} as const;
const SMALLEST_WINDOW = 65_535;

function checkConnectionSettings(settings: Field, findings: Findings): void {
  const reject = (field: Field, why: string): void => findings.reject(field, `invalid connection settings: ${why}`);
  const each = (names: Readonly<Record<string, string>>, wrong: (field: Field) => boolean, words: string): void => {
    for (const [name, spelled] of Object.entries(names)) {
      const field = settings.get(name);
      if (field.exists && wrong(field)) reject(field, `${spelled} must be ${words}`);
    }
  };
  each(NOT_NEGATIVE, ({ number }) => number < 0, 'non-negative');
  each(TIMES, (field) => (readDuration(field, findings) ?? 0n) < 0n, 'non-negative');
  each(POSITIVE, ({ number }) => number <= 0, 'positive');
  each(WINDOWS, ({ number }) => number < SMALLEST_WINDOW, `at least ${SMALLEST_WINDOW}`);
}

function checkDrain(drain: Field, findings: Findings): void {
  const before = findings.problems.length;
  prefixed('invalid drain duration', findings, (inner) => checkDuration(drain, inner));
  const ns = readDuration(drain, new Findings());
  if (ns === undefined || findings.problems.length > before || ns % 1_000_000_000n === 0n) return;
  findings.reject(drain, 'drain time only supports durations to seconds precision', 'Round it to whole seconds.');
}

const MUST_BE_SET = {
  configPath: 'config path must be set',
  binaryPath: 'binary path must be set',
  serviceCluster: 'service cluster must be specified',
  discoveryAddress: 'discovery address must be set to the proxy discovery service',
} as const;

const SERVICES = {
  envoyMetricsService: 'envoy metrics service',
  envoyAccessLogService: 'envoy access log service',
} as const;

function checkAddresses(config: Field, findings: Findings): void {
  const discovery = config.get('discoveryAddress');
  if (discovery.text !== '') checkAddress(discovery, 'invalid discovery address', findings);
  for (const [name, words] of [
    ['statsdUdpAddress', 'statsd udp'],
    ['envoyMetricsServiceAddress', 'envoy metrics service'],
  ] as const) {
    const address = config.get(name);
    if (address.text !== '') checkAddress(address, `invalid ${words} address "${address.text}"`, findings);
  }
  for (const [name, words] of Object.entries(SERVICES)) {
    const address = config.get(name).get('address');
    if (address.text !== '') checkAddress(address, `invalid ${words} address "${address.text}"`, findings);
  }
}

/** `defaultConfig`, the settings of all proxies. Only what is set is checked: the rest keeps Istio's defaults. */
export function checkProxySettings(config: Field, findings: Findings): void {
  for (const [name, message] of Object.entries(MUST_BE_SET)) {
    const field = config.get(name);
    if (field.exists && field.text === '') findings.reject(field, message);
  }
  checkDrain(config.get('drainDuration'), findings);
  checkAddresses(config, findings);
  checkTracing(config.get('tracing'), findings);
  for (const [name, words] of [
    ['proxyAdminPort', 'proxy admin port'],
    ['statusPort', 'status port'],
  ] as const) {
    const port = config.get(name);
    if (port.exists) prefixed(`invalid ${words}`, findings, (inner) => checkPort(port, inner));
  }
  checkKeyProvider(config.get('privateKeyProvider'), findings);
  checkConnectionSettings(config.get('connectionSettings'), findings);
  const old = config.get('proxyMetadata').get('ISTIO_META_DNS_AUTO_ALLOCATE');
  if (!old.exists) return;
  const message =
    "'ISTIO_META_DNS_AUTO_ALLOCATE' is deprecated; review " +
    'https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/#dns-auto-allocation-v2 for information about ' +
    'replacement functionality';
  findings.warn(old, message, 'Remove it: addresses are allocated without it.');
}
