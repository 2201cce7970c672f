import { clusterName } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { type Config, fieldOf } from '../snapshot/config.ts';
import type { FieldOrigin } from '../snapshot/field-origin.ts';
import type { ServerTlsSettings } from '../snapshot/istio-types.ts';
import { type PortProtocol, parseProtocol } from '../snapshot/protocol.ts';
import type { IngressSpec, Sidecar } from '../snapshot/sidecars.ts';
import { serviceOrigin } from './clusters/origin-metadata.ts';
import { fillPattern } from './clusters/stat-names.ts';
import { INBOUND_PASSTHROUGH_CLUSTER, statPrefix } from './envoy-types.ts';
import { hasRoom } from './listeners/room.ts';
import type { ServiceTarget } from './proxy-targets.ts';
import type { ProxyView } from './proxy-view.ts';
import type { OutboundScope } from './scope.ts';

/** A port (or, with port 0, every other port) of the workload and how its inbound chains look. */
export interface InboundPort {
  /** The port that the workload listens on. */
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly cluster: string;
  readonly names: { readonly http: string; readonly tcp: string };
  readonly statPrefix: string;
  readonly tcpStatPrefix: string;
  /** Service port and host of the traffic, for span names. */
  readonly operation: string;
  readonly servicePort: number;
  /** Where it listens by itself instead of standing behind the port of capture. */
  readonly bind: string | undefined;
  readonly origin: FieldOrigin | undefined;
  /** The Sidecar that declares it. */
  readonly sidecar: Config<unknown> | undefined;
  /** How TLS of clients ends here where the port does without mutual TLS; `protocol` is what is inside. */
  readonly tls?: ServerTlsSettings | undefined;
}

/** The ports of a Sidecar's `ingress`, where it has one, else those of the workload's services, by number. */
export function inboundPorts(scope: OutboundScope, proxy: ProxyView): readonly InboundPort[] {
  const { sidecar } = scope;
  const ports = sidecar?.spec.ingress?.length ? ingressPorts(scope, proxy, sidecar) : servicePorts(scope, proxy);
  if (scope.bindsPorts) return ports.filter(({ bind }) => bind !== undefined).sort((a, b) => a.port - b.port);
  return [...ports].sort((a, b) => a.port - b.port);
}

/** The first service of each target port: the oldest decides for a port that several share. */
export function firstByPort(targets: readonly ServiceTarget[]): readonly ServiceTarget[] {
  const byPort = new Map<number, ServiceTarget>();
  for (const target of targets) if (!byPort.has(target.targetPort)) byPort.set(target.targetPort, target);
  return [...byPort.values()];
}

function servicePorts(scope: OutboundScope, proxy: ProxyView): InboundPort[] {
  const { snapshot, local } = scope;
  const pattern = snapshot.mesh.inboundClusterStatName;
  const hasRoomFor = ({ port: { protocol }, targetPort: port }: ServiceTarget): boolean =>
    hasRoom(scope, { bind: local.any, port, protocol, toPort: scope.bindsPorts });
  return firstByPort(proxy.targets.filter(hasRoomFor)).map(({ service, port, targetPort }) => {
    const name = `${local.any}_${targetPort}`;
    const cluster = clusterName('inbound', targetPort, '', '');
    return {
      port: targetPort,
      protocol: port.protocol,
      cluster,
      names: { http: name, tcp: name },
      statPrefix: statPrefix(`inbound_${name}`),
      tcpStatPrefix: pattern ? fillPattern(pattern, { service, subset: '', port }) : cluster,
      operation: `${service.hostname}:${port.port}/*`,
      servicePort: port.port,
      bind: undefined,
      origin: serviceOrigin(service, port.index),
      sidecar: undefined,
    };
  });
}

/** A Sidecar has no host: Istio makes one of its name, for spans and statistics. */
export const sidecarHost = ({ namespace, sidecar }: OutboundScope): string => `${sidecar?.name ?? ''}.${namespace}`;

function ingressPorts(scope: OutboundScope, proxy: ProxyView, sidecar: Sidecar): InboundPort[] {
  const host = sidecarHost(scope);
  const pattern = scope.snapshot.mesh.inboundClusterStatName;
  const seen = new Set<number>();
  return (sidecar.spec.ingress ?? []).flatMap((ingress, i) => {
    const number = ingress.port?.number ?? 0;
    const protocol = parseProtocol(ingress.port?.protocol);
    const toPort = bindsItself(ingress, scope);
    const room = hasRoom(scope, { bind: ingress.bind ?? '', port: number, protocol, toPort }, false);
    if (seen.has(number) || !room) return [];
    seen.add(number);
    const bind = ingress.bind || proxy.ip || scope.local.any;
    const name = `${bind}_${number}`;
    const cluster = clusterName('inbound', number, '', '');
    const service = { registry: 'External' as const, name: host, namespace: scope.namespace, hostname: host };
    const port = { port: number, name: ingress.port?.name ?? '' };
    const tls = scope.snapshot.mesh.features.sidecarIngressTls ? ingress.tls : undefined;
    return [
      {
        port: number,
        protocol: tls === undefined ? protocol : afterTls(protocol),
        tls,
        cluster,
        names: { http: name, tcp: name },
        statPrefix: statPrefix(`inbound_${name}`),
        tcpStatPrefix: pattern ? fillPattern(pattern, { service, subset: '', port }) : cluster,
        operation: `${host}:${number}/*`,
        servicePort: number,
        bind: toPort ? bind : undefined,
        origin: fieldOf(sidecar, `spec.ingress[${i}]`),
        sidecar: { ...sidecar, namespace: scope.namespace },
      },
    ];
  });
}

/** By its own word, else as the proxy does. */
const bindsItself = ({ captureMode = 'DEFAULT' }: IngressSpec, { bindsPorts }: OutboundScope): boolean =>
  captureMode === 'NONE' || (captureMode === 'DEFAULT' && bindsPorts);

/** What is left of a protocol when its TLS has ended. Source: AfterTLSTermination in istio pkg/config/protocol. */
function afterTls(protocol: PortProtocol): PortProtocol {
  if (protocol === 'https') return 'http';
  return protocol === 'tls' ? 'tcp' : protocol;
}

const NOBODY = { registry: 'External' as const, name: '', namespace: '', hostname: '' };

/** Ports that no service names are served too: sniffed, and sent to the application as they are. */
export const passthroughPort = (port: number, { inboundClusterStatName: pattern }: MeshConfig): InboundPort => ({
  port,
  protocol: 'auto',
  cluster: INBOUND_PASSTHROUGH_CLUSTER,
  names: { http: 'virtualInbound-catchall-http', tcp: 'virtualInbound' },
  statPrefix: statPrefix(INBOUND_PASSTHROUGH_CLUSTER),
  tcpStatPrefix: pattern
    ? fillPattern(pattern, { service: NOBODY, subset: '', port: { port: 0, name: 'virtualInbound' } })
    : INBOUND_PASSTHROUGH_CLUSTER,
  operation: ':0/*',
  servicePort: 0,
  bind: undefined,
  origin: undefined,
  sidecar: undefined,
});
