import type { ControlPlane } from '#control-plane';
import { type EncodedResource, typeUrls } from '#xds';
import { ProxyResources } from './config-dump.ts';
import { debugConnections } from './connections.ts';

/** Types whose resources istiod keeps encoded. Source: pilot/pkg/model/typed_xds_cache.go in istio. */
const KEPT = [typeUrls.cluster, typeUrls.endpoint, typeUrls.route, typeUrls.secret] as const;

/** `/debug/cachez`: the names of what is kept, by type. */
export const cachedNames = (controlPlane: ControlPlane): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    [...cached(controlPlane)].map(([typeUrl, resources]) => [typeUrl, resources.map(({ name }) => name)]),
  );

/** `/debug/cachez?sizes=true`: how many bytes these are, by type and together. */
export function cachedSizes(controlPlane: ControlPlane): Readonly<Record<string, string>> {
  const sizes = [...cached(controlPlane)].map(
    ([typeUrl, resources]) => [typeUrl, resources.reduce((sum, { bytes }) => sum + bytes.length, 0)] as const,
  );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  return Object.fromEntries([...sizes, ['total', total] as const].map(([name, size]) => [name, byteCount(size)]));
}

/** Clusters that are the proxy's own are made anew each time. */
const isKept = ({ name }: EncodedResource): boolean => !OWN_CLUSTERS.test(name);
const OWN_CLUSTERS = /^(BlackHoleCluster$|PassthroughCluster$|InboundPassthroughCluster$|inbound\|)/;

/** What connected proxies are sent: equal resources of several proxies are one. */
function cached(controlPlane: ControlPlane): ReadonlyMap<string, readonly EncodedResource[]> {
  const all = debugConnections(controlPlane).map((connection) => new ProxyResources(controlPlane, connection));
  const byType = KEPT.map(
    (typeUrl) => [typeUrl, [...new Set(all.flatMap((resources) => resources.of(typeUrl)))].filter(isKept)] as const,
  );
  return new Map(byType.filter(([, resources]) => resources.length > 0));
}

/** Source: ByteCount in istio pilot/pkg/networking/util/util.go. */
function byteCount(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length);
  return `${(bytes / 1000 ** power).toFixed(1)}${UNITS[power - 1]}B`;
}

const UNITS = 'kMGTPE';
