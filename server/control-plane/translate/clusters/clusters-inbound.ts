import { clusterName } from '#domain';
import type { Cluster } from '#xds';
import { fieldOf } from '../../snapshot/config.ts';
import type { MergedDestinationRule } from '../../snapshot/destination-rules.ts';
import type { ConnectionPoolSettings } from '../../snapshot/istio-types.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { parseProtocol } from '../../snapshot/protocol.ts';
import type { Service, ServicePort } from '../../snapshot/services.ts';
import type { IngressSpec, Sidecar } from '../../snapshot/sidecars.ts';
import { durationOfMs } from '../durations.ts';
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  type IstioCluster,
  PASSTHROUGH_CLUSTER,
  statPrefix,
} from '../envoy-types.ts';
import { TCP_METADATA_EXCHANGE } from '../http-filters/istio-filters.ts';
import { firstByPort, sidecarHost } from '../inbound-ports.ts';
import { listenAddress } from '../listeners/listener-filters.ts';
import { headerCase } from '../proxy-headers.ts';
import type { ServiceTarget } from '../proxy-targets.ts';
import type { ProxyView } from '../proxy-view.ts';
import type { OutboundScope } from '../scope.ts';
import { translateLimits } from './connection-pool.ts';
import { ANY_HOST_CLUSTER, anyHostCluster, looksUpAnyHost } from './dynamic-dns.ts';
import { configPath, meshworkOrigin, serviceOrigin } from './origin-metadata.ts';
import { HTTP_PROTOCOL_OPTIONS, http1Options, translateProtocolOptions, upstreamVersion } from './protocol-options.ts';
import { fillPattern } from './stat-names.ts';
import { effectivePolicy } from './traffic-policy.ts';

/**
 * The source address of connections that a sidecar opens to its own application. Capture knows it and lets it pass, where other
 * traffic to the pod would come back to the sidecar.
 */
const passthroughBind = (podIp: string): NonNullable<Cluster['upstream_bind_config']> => ({
  source_address: { address: podIp.includes(':') ? '::6' : '127.0.0.6', port_value: 0 },
});

const LOCALHOST = '127.0.0.1';
const LOCALHOST_V6 = '::1';

/** Istio's word for "never": about 292 years. */
const NEVER = '9223372035s';

/** One cluster per port of the workload's own services (or of its Sidecar's `ingress`), and the one for all other ports. */
export function inboundClusters(scope: OutboundScope, proxy: ProxyView): Cluster[] {
  const { sidecar } = scope;
  const own = sidecar?.spec.ingress?.length
    ? sidecar.spec.ingress.map((ingress, i) => ingressCluster(scope, proxy, { sidecar, ingress, index: i }))
    : firstByPort(scope.bindsPorts ? [] : proxy.targets)
        .toSorted((a, b) => a.targetPort - b.targetPort)
        .map((target) => serviceCluster(scope, proxy, target));
  const { filters: _, ...passthrough } = passthroughCluster(scope, PASSTHROUGH_CLUSTER);
  return [
    ...own.filter((cluster) => cluster !== undefined),
    { ...passthrough, name: INBOUND_PASSTHROUGH_CLUSTER, upstream_bind_config: passthroughBind(proxy.ip) },
  ];
}

function serviceCluster(scope: OutboundScope, proxy: ProxyView, target: ServiceTarget): IstioCluster {
  const { service, port, targetPort } = target;
  const isLocal = scope.snapshot.mesh.inboundTrafficPolicy?.mode === 'LOCALHOST';
  return inboundCluster(scope, {
    service,
    port,
    clusterPort: targetPort,
    address: isLocal ? localhostOf(proxy.ip) : '',
    addressPort: targetPort,
    services: servicesOnPort(proxy, target),
    origin: serviceOrigin(service, port.index),
    pool: scope.sidecar?.spec.inboundConnectionPool,
    podIp: proxy.ip,
  });
}

interface Ingress {
  readonly sidecar: Sidecar;
  readonly ingress: IngressSpec;
  readonly index: number;
}

/** To where `defaultEndpoint` says: the own host, the pod's address, a socket, or, without one, as the client dialled. */
function ingressCluster(
  scope: OutboundScope,
  proxy: ProxyView,
  { sidecar, ingress, index }: Ingress,
): IstioCluster | undefined {
  const number = ingress.port?.number ?? 0;
  const endpoint = readEndpoint(ingress.defaultEndpoint ?? '', proxy.ip);
  if (endpoint === undefined) return undefined;
  const real = proxy.targets.find(({ targetPort }) => targetPort === number)?.service;
  const host = sidecarHost(scope);
  const named: InboundService = real ?? {
    registry: 'External',
    hostname: host,
    name: sidecar.name,
    namespace: scope.namespace,
    meshExternal: true,
  };
  return inboundCluster(scope, {
    service: named,
    port: { port: number, name: ingress.port?.name ?? '', protocol: parseProtocol(ingress.port?.protocol) },
    clusterPort: number,
    address: endpoint.address,
    addressPort: endpoint.port,
    services: [named].map(serviceRecord),
    origin: fieldOf(sidecar, `spec.ingress[${index}]`),
    pool: ingress.connectionPool ?? sidecar.spec.inboundConnectionPool,
    podIp: proxy.ip,
  });
}

/** As Go's SplitHostPort reads it; the host is one of those that the webhook lets through. */
function readEndpoint(text: string, podIp: string): { address: string; port: number } | undefined {
  if (text === '') return { address: '', port: 0 };
  if (text.startsWith('unix://')) return { address: text, port: 0 };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return { address: ownAddress(bracketed ?? plain ?? '', podIp), port: Number(digits) };
}

/** The pod's own address of the family asked for; this side of the pod where it has none, in the family that it has. */
function ownAddress(host: string, podIp: string): string {
  const isV6 = podIp.includes(':');
  if (host === '0.0.0.0') return isV6 ? LOCALHOST : podIp;
  if (host === '::') return isV6 ? podIp : LOCALHOST_V6;
  return host === LOCALHOST || host === LOCALHOST_V6 ? localhostOf(podIp) : '';
}

const localhostOf = (podIp: string): string => (podIp.includes(':') ? LOCALHOST_V6 : LOCALHOST);

type InboundService = Pick<Service, 'registry' | 'hostname' | 'name' | 'namespace' | 'meshExternal'>;

interface InboundInput {
  readonly service: InboundService;
  readonly port: Pick<ServicePort, 'port' | 'name' | 'protocol'>;
  readonly clusterPort: number;
  /** Empty: the address that the client dialled. */
  readonly address: string;
  readonly addressPort: number;
  readonly services: readonly Record<string, string>[];
  readonly origin: ReturnType<typeof serviceOrigin>;
  /** A Sidecar's limits, which take the place of a DestinationRule's. */
  readonly pool: ConnectionPoolSettings | undefined;
  readonly podIp: string;
}

/** The application itself. The limits of a rule for its service apply here too, so that a server can take what clients may send. */
function inboundCluster(scope: OutboundScope, input: InboundInput): IstioCluster {
  const { mesh } = scope.snapshot;
  const { service, port, clusterPort, address } = input;
  const name = clusterName('inbound', clusterPort, '', '');
  const rule = scope.inboundRuleFor(service.hostname);
  const policy = effectivePolicy(rule, { port: port.port, mesh });
  const pool = input.pool ?? policy.connectionPool?.value;
  const version = upstreamVersion({ protocol: port.protocol, sniffs: true, direction: 'inbound' }, pool, mesh);
  const options = translateProtocolOptions({ version, pool, http1: http1Options(port.protocol, mesh) });
  const pattern = mesh.inboundClusterStatName;
  return {
    name,
    alt_stat_name: statPrefix(
      pattern ? fillPattern(pattern, { service, subset: '', port, targetPort: clusterPort }) : name,
    ),
    ...(address === ''
      ? { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', cleanup_interval: NEVER }
      : { type: 'STATIC', load_assignment: localAssignment(name, address, input.addressPort) }),
    ...translateLimits(pool, mesh, policy.retryBudget?.value),
    ...(options && { typed_extension_protocol_options: { [HTTP_PROTOCOL_OPTIONS]: options } }),
    common_lb_config: {},
    ...(![LOCALHOST, LOCALHOST_V6].includes(address) && { upstream_bind_config: passthroughBind(input.podIp) }),
    metadata: {
      filter_metadata: {
        ...(!service.meshExternal && { istio: { ...ruleConfig(rule), services: [...input.services] } }),
        meshwork: meshworkOrigin(input.origin),
      },
    },
  };
}

const ruleConfig = (rule: MergedDestinationRule | undefined): Record<string, string> =>
  rule?.trafficPolicy === undefined ? {} : { config: configPath(fieldOf(rule.owner, '')) };

const localAssignment = (
  cluster_name: string,
  address: string,
  port: number,
): NonNullable<Cluster['load_assignment']> => ({
  cluster_name,
  endpoints: [
    {
      lb_endpoints: [
        {
          endpoint: {
            address: address.startsWith('unix://')
              ? { pipe: { path: address.slice('unix://'.length) } }
              : listenAddress(address, port),
          },
        },
      ],
    },
  ],
});

const serviceRecord = ({ hostname, name, namespace }: InboundService): Record<string, string> => ({
  host: hostname,
  name,
  namespace,
});

function servicesOnPort({ targets }: ProxyView, { targetPort, port }: ServiceTarget): Record<string, string>[] {
  const own = targets.filter((target) => target.targetPort === targetPort && target.port.port === port.port);
  // Of several with one host, the oldest.
  const isFirst = ({ service: { hostname } }: ServiceTarget, index: number): boolean =>
    own.findIndex(({ service }) => service.hostname === hostname) === index;
  return own.filter(isFirst).map(({ service }) => serviceRecord(service));
}

/** Where unknown destinations go: their own address, or nowhere. */
export const fallbackClusters = (scope: OutboundScope): Cluster[] => [
  blackHoleCluster(scope.snapshot),
  passthroughCluster(scope, PASSTHROUGH_CLUSTER),
  ...(looksUpAnyHost(scope) ? [lookUpCluster(scope)] : []),
];

/** A cluster without endpoints: whatever is sent there is refused. */
export const blackHoleCluster = (snapshot: MeshSnapshot): Cluster => ({
  name: BLACK_HOLE_CLUSTER,
  alt_stat_name: statPrefix(BLACK_HOLE_CLUSTER),
  type: 'STATIC',
  connect_timeout: durationOfMs(snapshot.mesh.connectTimeoutMs),
});

/** Where requests for unknown hosts are looked up. */
function lookUpCluster(scope: OutboundScope): IstioCluster {
  const { type: _, ...fields } = passthroughCluster(scope, ANY_HOST_CLUSTER);
  return { ...fields, ...anyHostCluster(scope) };
}

function passthroughCluster({ snapshot, exchangesPeers }: OutboundScope, name: string): IstioCluster {
  return {
    name,
    alt_stat_name: statPrefix(name),
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    ...translateLimits(snapshot.mesh.defaultTrafficPolicy?.connectionPool, snapshot.mesh),
    typed_extension_protocol_options: {
      [HTTP_PROTOCOL_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_PROTOCOL_OPTIONS}`,
        common_http_protocol_options: { idle_timeout: '300s' },
        use_downstream_protocol_config: {
          http_protocol_options: headerCase(snapshot.mesh),
          http2_protocol_options: {},
        },
      },
    },
    ...(exchangesPeers && { filters: [TCP_METADATA_EXCHANGE] }),
  };
}
