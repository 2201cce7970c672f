import { isIPv4, isIPv6 } from 'node:net';
import { proxyConfigProblem } from './proxy-config-annotation.ts';

/** What is wrong with a value, as injection words it; undefined when nothing is. */
type Check = (value: string) => string | undefined;

const quoted = (text: string): string => JSON.stringify(text);

function numberProblem(text: string, bits: number): string | undefined {
  if (!/^\d+$/.test(text)) return `strconv.ParseUint: parsing ${quoted(text)}: invalid syntax`;
  return Number(text) < 2 ** bits ? undefined : `strconv.ParseUint: parsing ${quoted(text)}: value out of range`;
}

function portProblem(text: string): string | undefined {
  const problem = numberProblem(text.trim(), 16);
  return problem && `failed parsing port '${text}': ${problem}`;
}

function portsProblem(parameter: string, value: string): string | undefined {
  const ports = value.trim() === '' ? [] : value.trim().split(',');
  const wrong = ports.find((each) => portProblem(each) !== undefined);
  return wrong === undefined
    ? undefined
    : `${parameter} invalid: failed parsing port '${wrong}': ${portProblem(wrong)}`;
}

function addressProblem(address: string): string | undefined {
  if (isIPv4(address) || isIPv6(address)) return undefined;
  if (!/[.:]/.test(address)) return 'unable to parse IP';
  const fields = address.split('.');
  if (fields.every((each) => /^\d+$/.test(each))) {
    if (fields.some((each) => Number(each) > 255)) return 'IPv4 field has value >255';
    if (fields.some((each) => each.length > 1 && each.startsWith('0'))) return 'IPv4 field has octet with leading zero';
    return fields.length < 4 ? 'IPv4 address too short' : 'IPv4 address too long';
  }
  return `unexpected character (at ${quoted(address)})`;
}

function prefixProblem(cidr: string): string | undefined {
  const slash = cidr.lastIndexOf('/');
  if (slash < 0) return "no '/'";
  const address = cidr.slice(0, slash);
  const bits = cidr.slice(slash + 1);
  const wrong = addressProblem(address);
  if (wrong) return `ParseAddr(${quoted(address)}): ${wrong}`;
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return `bad bits after slash: ${quoted(bits)}`;
  return Number(bits) > (isIPv4(address) ? 32 : 128) ? 'prefix length out of range' : undefined;
}

function rangesProblem(parameter: string, value: string): string | undefined {
  for (const cidr of value === '' ? [] : value.split(',')) {
    const problem = prefixProblem(cidr);
    if (problem) {
      return `${parameter} invalid: failed parsing cidr '${cidr}': netip.ParsePrefix(${quoted(cidr)}): ${problem}`;
    }
  }
  return undefined;
}

const interfaces: Check = (value) => {
  for (const name of value === '' ? [] : value.split(',').map((each) => each.trim())) {
    if (name === '') return 'empty interface name';
    if (name.length > 15) return `interface name ${quoted(name)} too long (max 15 chars)`;
    if (!/^[a-zA-Z][a-zA-Z0-9_.-]*$/.test(name)) return `interface name ${quoted(name)} contains invalid characters`;
  }
  return undefined;
};

const quantity: Check = (value) => {
  if (/\p{Cc}/u.test(value)) return 'value contains control characters';
  const [whole, , suffix = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+))([a-zA-Z]*[-+]?\d*)$/.exec(value) ?? [];
  const isKnown = /^(?:[numkMGTPE]?|[KMGTPE]i|[eE][-+]?\d+)$/.test(suffix);
  if (whole !== undefined && isKnown) return undefined;
  return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
};

const boolean: Check = (value) =>
  /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)
    ? undefined
    : `strconv.ParseBool: parsing ${quoted(value)}: invalid syntax`;

const count: Check = (value) => numberProblem(value, 32);

const ports =
  (parameter: string, allowsAll = false): Check =>
  (value) =>
    allowsAll && value === '*' ? undefined : portsProblem(parameter, value);

const ranges =
  (parameter: string, allowsAll = false): Check =>
  (value) =>
    allowsAll && value === '*' ? undefined : rangesProblem(parameter, value);

const statusPort: Check = (value) => {
  const problem = portProblem(value);
  return problem && `excludeInboundPorts invalid: ${problem}`;
};

const interceptionMode: Check = (value) =>
  ['REDIRECT', 'TPROXY', 'NONE'].includes(value)
    ? undefined
    : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${value}`;

const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['sidecar.istio.io/interceptionMode', interceptionMode],
  ['status.sidecar.istio.io/port', statusPort],
  ['readiness.status.sidecar.istio.io/initialDelaySeconds', count],
  ['readiness.status.sidecar.istio.io/periodSeconds', count],
  ['readiness.status.sidecar.istio.io/failureThreshold', count],
  ['traffic.sidecar.istio.io/includeOutboundIPRanges', ranges('includeIPRanges', true)],
  ['traffic.sidecar.istio.io/excludeOutboundIPRanges', ranges('excludeIPRanges')],
  ['traffic.sidecar.istio.io/includeInboundPorts', ports('includeInboundPorts', true)],
  ['traffic.sidecar.istio.io/excludeInboundPorts', ports('excludeInboundPorts')],
  ['traffic.sidecar.istio.io/excludeOutboundPorts', ports('excludeOutboundPorts')],
  ['traffic.sidecar.istio.io/excludeInterfaces', interfaces],
  ['traffic.sidecar.istio.io/kubevirtInterfaces', interfaces],
  ['istio.io/reroute-virtual-interfaces', interfaces],
  ['prometheus.istio.io/merge-metrics', boolean],
  ['proxy.istio.io/config', proxyConfigProblem],
  ['sidecar.istio.io/proxyCPU', quantity],
  ['sidecar.istio.io/proxyMemory', quantity],
  ['sidecar.istio.io/proxyCPULimit', quantity],
  ['sidecar.istio.io/proxyMemoryLimit', quantity],
]);

/** What injection would refuse about an annotation's value; undefined when it takes it. */
export const annotationProblem = (name: string, value: string): string | undefined => CHECKS.get(name)?.(value);
