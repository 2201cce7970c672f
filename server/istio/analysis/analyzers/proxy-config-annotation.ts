import { parse } from 'yaml';
import { errorMessage } from '#domain';
import { Field } from '../../rules/field.ts';

interface Enumeration {
  /** Its name in the API. */
  readonly type: string;
  readonly values: readonly string[];
}

type Wanted = 'string' | 'bool' | 'number' | 'list' | 'map' | 'object' | 'duration' | Enumeration;

/** Fields of a ProxyConfig by their type. */
const FIELDS: Readonly<Record<string, Wanted>> = {
  configPath: 'string',
  binaryPath: 'string',
  serviceCluster: 'string',
  drainDuration: 'duration',
  terminationDrainDuration: 'duration',
  discoveryAddress: 'string',
  statsdUdpAddress: 'string',
  proxyAdminPort: 'number',
  statusPort: 'number',
  concurrency: 'number',
  proxyMetadata: 'map',
  runtimeValues: 'map',
  extraStatTags: 'list',
  proxyStatsMatcher: 'object',
  tracing: 'object',
  image: 'object',
  readinessProbe: 'object',
  gatewayTopology: 'object',
  holdApplicationUntilProxyStarts: 'bool',
  interceptionMode: { type: 'InboundInterceptionMode', values: ['REDIRECT', 'TPROXY'] },
  tracingServiceName: {
    type: 'TracingServiceName',
    values: ['APP_LABEL_AND_NAMESPACE', 'CANONICAL_NAME_ONLY', 'CANONICAL_NAME_AND_NAMESPACE'],
  },
};

const GO_TYPES = { string: 'string', bool: 'bool', list: '[]json.RawMessage', map: 'string' } as const;

const jsonType = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
};

const cannotRead = (value: unknown, goType: string): string =>
  `json: cannot unmarshal ${jsonType(value)} into Go value of type ${goType}`;

function goDurationMs(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3.6e6 };
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/gy)];
  const length = parts.reduce((sum, [whole]) => sum + whole.length, 0);
  if (text === '' || length !== text.length) return undefined;
  return parts.reduce((sum, [, number, unit = 's']) => sum + Number(number) * (units[unit] ?? 0), 0);
}

/** Why a value does not fit its field. */
function typeProblem({ value, text, entries }: Field, wanted: Wanted): string | undefined {
  if (typeof wanted === 'object') {
    if (typeof value === 'number' || wanted.values.includes(text)) return undefined;
    return `unknown value ${JSON.stringify(JSON.stringify(value))} for enum istio.mesh.v1alpha1.ProxyConfig.${wanted.type}`;
  }
  switch (wanted) {
    case 'duration':
      return goDurationMs(text) === undefined
        ? `bad Duration: time: invalid duration ${JSON.stringify(text)}`
        : undefined;
    case 'number':
      if (Number.isInteger(Number(value)) && typeof value !== 'boolean') return undefined;
      return typeof value === 'string'
        ? `invalid character '${value[0] ?? ''}' looking for beginning of value`
        : cannotRead(value, 'int32');
    case 'map': {
      const wrong = entries.find(([, each]) => typeof each.value !== 'string');
      return wrong && cannotRead(wrong[1].value, GO_TYPES.map);
    }
    case 'object':
      return typeof value === 'object' && !Array.isArray(value)
        ? undefined
        : cannotRead(value, 'map[string]json.RawMessage');
    default: {
      const fits = wanted === 'list' ? Array.isArray(value) : jsonType(value) === (wanted === 'bool' ? 'bool' : wanted);
      return fits ? undefined : cannotRead(value, GO_TYPES[wanted]);
    }
  }
}

/** `host:port` */
function hostPortProblem(text: string): string | undefined {
  const [, port] = /^(?:\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text) ?? [];
  if (port === undefined) {
    const problem = text.split(':').length > 2 ? 'too many colons in address' : 'missing port in address';
    return `unable to split "${text}": address ${text}: ${problem}`;
  }
  if (!/^\d+$/.test(port)) return `port (${port}) is not a number: strconv.Atoi: parsing "${port}": invalid syntax`;
  return portProblem(Number(port));
}

const portProblem = (port: number): string | undefined =>
  port >= 1 && port <= 65_535 ? undefined : `port number ${port} must be in the range 1..65535`;

function drainProblem(text: string): string | undefined {
  const ms = goDurationMs(text) ?? 0;
  if (ms < 1) return 'duration must be greater than 1ms';
  return undefined;
}

/** What Istio's validation says of the settings that are there. */
function* rules(config: Field): Generator<string | undefined> {
  const when = (name: string, check: (field: Field) => string | undefined): string | undefined => {
    const field = config.at(name);
    return field.exists ? check(field) : undefined;
  };
  const prefixed = (prefix: string, problem: string | undefined): string | undefined =>
    problem && `${prefix} ${problem}`;
  yield when('configPath', ({ text }) => (text === '' ? 'config path must be set' : undefined));
  yield when('binaryPath', ({ text }) => (text === '' ? 'binary path must be set' : undefined));
  yield when('serviceCluster', ({ text }) => (text === '' ? 'service cluster must be specified' : undefined));
  yield when('drainDuration', ({ text }) => prefixed('invalid drain duration:', drainProblem(text)));
  yield when('drainDuration', ({ text }) =>
    (goDurationMs(text) ?? 0) % 1000 === 0 || drainProblem(text) !== undefined
      ? undefined
      : 'drain time only supports durations to seconds precision',
  );
  yield when('discoveryAddress', ({ text }) =>
    text === ''
      ? 'discovery address must be set to the proxy discovery service'
      : prefixed('invalid discovery address:', hostPortProblem(text)),
  );
  yield when('tracing.zipkin', (field) =>
    prefixed('invalid zipkin config:', hostPortProblem(field.get('address').text)),
  );
  yield when('statsdUdpAddress', ({ text }) =>
    text === '' ? undefined : prefixed(`invalid statsd udp address "${text}":`, hostPortProblem(text)),
  );
  yield when('proxyAdminPort', ({ value }) => prefixed('invalid proxy admin port:', portProblem(Number(value))));
  yield when('statusPort', ({ value }) => prefixed('invalid status port:', portProblem(Number(value))));
}

/** What is wrong with the annotation proxy.istio.io/config; undefined when the sidecar can be started with it. */
export function proxyConfigProblem(text: string): string | undefined {
  const unread = (problem: string): string => `failed to convert to apply proxy config: ${problem}`;
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error', version: '1.1' });
  } catch (error) {
    return unread(`yaml: ${errorMessage(error)}`);
  }
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return unread(cannotRead(value, 'map[string]json.RawMessage'));
  const config = new Field(value, '');
  for (const [name, field] of config.entries) {
    const wanted = FIELDS[name];
    const problem = wanted !== undefined && field.exists ? typeProblem(field, wanted) : undefined;
    if (problem !== undefined) return unread(problem);
  }
  const imageType = config.at('image.imageType');
  if (imageType.exists && typeof imageType.value !== 'string') return unread(cannotRead(imageType.value, 'string'));
  const problems = [...rules(config)].filter((each) => each !== undefined);
  if (problems.length === 0) return undefined;
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
  return `${count} occurred:\n${problems.map((each) => `\t* ${each}\n`).join('')}\n`;
}
