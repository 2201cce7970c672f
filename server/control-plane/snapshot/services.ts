import { type KubeObject, serviceHostname } from '#domain';
import { compareText } from './config.ts';
import { type PortProtocol, selectProtocol } from './protocol.ts';

export interface ServicePort {
  readonly port: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  /** A number, or the name of a container port. */
  readonly targetPort: number | string;
  /** Position in `spec.ports`. */
  readonly index: number;
}

/** A service of the registry. */
export interface Service {
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  /** Empty for a headless service. */
  readonly clusterIp: string;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>>;
  readonly exportTo: readonly string[] | undefined;
  readonly createdMs: number;
}

interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly selector?: Record<string, string>;
  readonly ports?: readonly {
    readonly port: number;
    readonly name?: string;
    readonly protocol?: string;
    readonly appProtocol?: string;
    readonly targetPort?: number | string;
  }[];
}

/** Services by host name, in host name order. */
export type ServiceRegistry = ReadonlyMap<string, Service>;

const EXPORT_TO = 'networking.istio.io/exportTo';

/** Services of type ExternalName are names, not destinations: they are left out. */
export function deriveServices(objects: readonly KubeObject[]): ServiceRegistry {
  const services = objects
    .filter((object) => (object.spec as ServiceSpec | undefined)?.type !== 'ExternalName')
    .map(toService)
    .sort((a, b) => compareText(a.hostname, b.hostname));
  return new Map(services.map((service) => [service.hostname, service]));
}

function toService(object: KubeObject): Service {
  const spec = (object.spec ?? {}) as ServiceSpec;
  const { name, namespace = 'default', annotations, creationTimestamp } = object.metadata;
  const clusterIp = spec.clusterIP ?? '';
  return {
    hostname: serviceHostname(name, namespace),
    name,
    namespace,
    clusterIp: clusterIp === 'None' ? '' : clusterIp,
    ports: (spec.ports ?? []).map((port, index) => ({
      port: port.port,
      name: port.name ?? '',
      protocol: selectProtocol(port),
      targetPort: port.targetPort ?? port.port,
      index,
    })),
    selector: spec.selector ?? {},
    exportTo: annotations?.[EXPORT_TO]?.split(',').map((entry) => entry.trim()),
    createdMs: Date.parse(creationTimestamp ?? '') || 0,
  };
}
