import type { ResourceMetadata } from '../format/subject.ts';
import type { DestinationService } from './istio-labels.ts';

const NAMED_AS_THEY_ARE: ReadonlySet<string> = new Set([
  'BlackHoleCluster',
  'PassthroughCluster',
  'InboundPassthroughCluster',
]);

/** Routes that stand for what no service takes. */
const OF_ROUTE: Readonly<Record<string, string>> = { block_all: 'BlackHoleCluster', allow_any: 'PassthroughCluster' };

/** What is known of a cluster by its configuration. */
export interface NamedCluster {
  readonly config: { readonly name: string; readonly resource: { readonly metadata?: ResourceMetadata } };
}

export interface DestinationInput {
  readonly routeName: string;
  readonly cluster: NamedCluster | undefined;
  /** The host that a request names, where it may stand in for a service; else empty. */
  readonly host: string;
}

/**
 * Which service a request or connection was meant for: the first that Istio writes into the cluster's metadata. Source: populatePeerInfo of
 * the filter istio_stats, Envoy's contrib.
 */
export function destinationService({ routeName, cluster, host }: DestinationInput): DestinationService {
  const name = OF_ROUTE[routeName] ?? cluster?.config.name ?? '';
  if (NAMED_AS_THEY_ARE.has(name)) return { host, name, namespace: '' };
  const services = cluster?.config.resource.metadata?.filter_metadata?.['istio']?.['services'];
  const first: unknown = Array.isArray(services) ? services[0] : undefined;
  if (typeof first !== 'object' || first === null) return { host, name: host, namespace: '' };
  const field = (key: string): string | undefined => {
    const value: unknown = Reflect.get(first, key);
    return typeof value === 'string' ? value : undefined;
  };
  const meant = field('host') ?? host;
  return { host: meant, name: field('name') ?? meant.split('.')[0]!, namespace: field('namespace') ?? '' };
}
