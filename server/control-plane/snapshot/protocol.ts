/** How a service port's traffic is treated. `auto` means that the first bytes of a connection decide. */
export type PortProtocol =
  | 'http'
  | 'http2'
  | 'grpc'
  | 'grpc-web'
  | 'https'
  | 'tls'
  | 'tcp'
  | 'mongo'
  | 'mysql'
  | 'redis'
  | 'udp'
  | 'http_proxy'
  | 'auto';

/** The protocol of a Gateway's, ServiceEntry's or Sidecar's port; a name that Istio does not know is sniffed. */
export function parseProtocol(name: string | undefined): PortProtocol {
  const lower = (name ?? '').toLowerCase();
  return lower === 'http_proxy' ? 'http_proxy' : (PROTOCOLS[lower] ?? 'auto');
}

/** What a listener does with the bytes. */
export type TrafficKind = 'http' | 'tcp' | 'auto' | 'none';

const PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  mongo: 'mongo',
  mysql: 'mysql',
  redis: 'redis',
  udp: 'udp',
};

const NAMES: Readonly<Record<string, PortProtocol>> = {
  ...PROTOCOLS,
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'https',
};

/** Ports of protocols in which the server speaks first: sniffing would wait for ever (SMTP, DNS, MySQL, MongoDB). */
const SERVER_FIRST_PORTS = new Set([25, 53, 3306, 27017]);

/** Istio's protocol selection: `appProtocol`, else the port name up to its first dash, else well-known ports, else sniffing. */
export function selectProtocol(port: {
  readonly port: number;
  readonly name?: string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}): PortProtocol {
  if (port.protocol === 'UDP') return 'udp';
  const declared = (port.appProtocol ?? port.name ?? '').toLowerCase();
  const prefix = declared.startsWith('grpc-web') ? 'grpc-web' : (declared.split('-')[0] ?? '');
  const chosen = NAMES[declared] ?? NAMES[prefix];
  if (chosen !== undefined) return chosen;
  return SERVER_FIRST_PORTS.has(port.port) ? 'tcp' : 'auto';
}

export function trafficKind(protocol: PortProtocol): TrafficKind {
  switch (protocol) {
    case 'http':
    case 'http2':
    case 'grpc':
    case 'grpc-web':
    case 'http_proxy':
      return 'http';
    case 'auto':
      return 'auto';
    case 'udp':
      return 'none';
    default:
      return 'tcp';
  }
}

export const isHttp2 = (protocol: PortProtocol): boolean =>
  protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';

export const isTls = (protocol: PortProtocol): boolean => protocol === 'https' || protocol === 'tls';
