import type { SocketAddress } from '#domain';

/** Which connections of an injected pod its proxy gets, as `istio-iptables` sets it up from the pod's annotations. */
export interface CaptureRules {
  outbound(destination: SocketAddress): boolean;
  inbound(port: number): boolean;
  /** The flags that say the same to `istio-iptables`. */
  readonly args: readonly string[];
}

const PREFIX = 'traffic.sidecar.istio.io/';
/** Never captured: the proxy's own ports that kubelet and Prometheus call. */
const OWN_INBOUND = ['15090', '15021', '15020'];

export function captureRules(annotations: Readonly<Record<string, string>> = {}): CaptureRules {
  const read = (name: string): string | undefined => annotations[`${PREFIX}${name}`];
  const list = (name: string): string[] => split(read(name) ?? '');
  const includeRanges = read('includeOutboundIPRanges') ?? '*';
  const excludeRanges = list('excludeOutboundIPRanges');
  const includePorts = new Set(list('includeOutboundPorts'));
  const excludePorts = new Set(list('excludeOutboundPorts'));
  const includeInbound = read('includeInboundPorts') ?? '*';
  const excludeInbound = new Set([...OWN_INBOUND, ...list('excludeInboundPorts')]);
  return {
    outbound: ({ ip, port }) => {
      if (excludePorts.has(String(port)) || excludeRanges.some((range) => inRange(ip, range))) return false;
      if (includePorts.has(String(port)) || includeRanges === '*') return true;
      return split(includeRanges).some((range) => inRange(ip, range));
    },
    inbound: (port) => {
      if (includeInbound !== '*') return split(includeInbound).includes(String(port));
      return !excludeInbound.has(String(port));
    },
    args: [
      ...['istio-iptables', '-p', '15001', '-z', '15006', '-u', '1337', '-m', 'REDIRECT'],
      ...['-i', includeRanges, '-x', excludeRanges.join(','), '-b', includeInbound],
      ...['-d', [...excludeInbound].join(',')],
      ...(excludePorts.size > 0 ? ['-o', [...excludePorts].join(',')] : []),
      ...(includePorts.size > 0 ? ['-q', [...includePorts].join(',')] : []),
    ],
  };
}

const split = (text: string): string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** Whether an IPv4 address lies in `10.0.0.0/8`; a range without length is one address. */
function inRange(ip: string, range: string): boolean {
  const [base = '', length = '32'] = range.split('/');
  const shift = 32 - Number(length);
  const [a, b] = [toNumber(ip), toNumber(base)];
  if (a === undefined || b === undefined || !(shift >= 0 && shift <= 32)) return false;
  return shift === 32 || a >>> shift === b >>> shift;
}

function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0) >>> 0;
}
