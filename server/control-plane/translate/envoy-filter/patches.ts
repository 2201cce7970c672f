import { RE2JS } from 're2js';
import { canonicalMessage } from '#xds';
import {
  type ApplyTo,
  type ConfigPatch,
  type EnvoyFilter,
  envoyFiltersFor,
  type ObjectMatch,
  type PatchContext,
  type PatchOperation,
} from '../../snapshot/envoy-filters.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import type { ProxyView } from '../proxy-view.ts';

/** The message that each kind of patch carries. */
const VALUE_TYPES: Readonly<Partial<Record<ApplyTo, string>>> = {
  LISTENER: 'envoy.config.listener.v3.Listener',
  FILTER_CHAIN: 'envoy.config.listener.v3.FilterChain',
  NETWORK_FILTER: 'envoy.config.listener.v3.Filter',
  LISTENER_FILTER: 'envoy.config.listener.v3.ListenerFilter',
  HTTP_FILTER: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  ROUTE_CONFIGURATION: 'envoy.config.route.v3.RouteConfiguration',
  VIRTUAL_HOST: 'envoy.config.route.v3.VirtualHost',
  HTTP_ROUTE: 'envoy.config.route.v3.Route',
  CLUSTER: 'envoy.config.cluster.v3.Cluster',
  EXTENSION_CONFIG: 'envoy.config.core.v3.TypedExtensionConfig',
};

/** A patch ready to be applied. */
export interface Patch {
  readonly operation: PatchOperation;
  readonly match: ObjectMatch;
  /** In protobuf JSON; empty for REMOVE. */
  readonly value: object;
}

/** The patches of one proxy, by what they apply to, in the order in which they act. */
export type PatchSet = ReadonlyMap<ApplyTo, readonly Patch[]>;

export const patchesTo = (patches: PatchSet, applyTo: ApplyTo, context: PatchContext): readonly Patch[] =>
  (patches.get(applyTo) ?? []).filter(({ match }) => (match.context ?? 'ANY') === 'ANY' || match.context === context);

export const isMerge = ({ operation }: Patch): boolean =>
  operation === 'MERGE' || operation === 'MERGE_AND_REPLACE_LIST';

export const replaces = ({ operation }: Patch): { readonly replaceLists: boolean } => ({
  replaceLists: operation === 'MERGE_AND_REPLACE_LIST',
});

/** The patches in force for a proxy. A value that is no such message makes its patch void: validation has told. */
export function patchesFor(snapshot: MeshSnapshot, proxy: ProxyView): PatchSet {
  const set = new Map<ApplyTo, Patch[]>();
  for (const filter of envoyFiltersFor(snapshot.envoyFilters, proxy, snapshot.mesh.rootNamespace)) {
    for (const [applyTo, patch] of readPatches(filter)) {
      if (!proxyMatches(patch.match, proxy)) continue;
      const held = set.get(applyTo);
      if (held === undefined) set.set(applyTo, [patch]);
      else held.push(patch);
    }
  }
  return set;
}

type ReadPatch = readonly [ApplyTo, Patch];

/** Values are read once for each object, however many proxies it is for. */
const READ = new WeakMap<EnvoyFilter, readonly ReadPatch[]>();

function readPatches(filter: EnvoyFilter): readonly ReadPatch[] {
  let read = READ.get(filter);
  if (read === undefined) {
    read = (filter.spec.configPatches ?? []).flatMap(readPatch);
    READ.set(filter, read);
  }
  return read;
}

const INSERTABLE: ReadonlySet<ApplyTo> = new Set(['HTTP_FILTER', 'NETWORK_FILTER', 'HTTP_ROUTE', 'LISTENER_FILTER']);

function readPatch({ applyTo, match = {}, patch }: ConfigPatch): ReadPatch[] {
  const type = applyTo && VALUE_TYPES[applyTo];
  if (applyTo === undefined || type === undefined || patch?.operation === undefined) return [];
  const value = patch.value === undefined ? {} : canonicalMessage(type, patch.value);
  if (value === undefined) return [];
  const inserts = patch.operation.startsWith('INSERT');
  return [[applyTo, { operation: inserts && !INSERTABLE.has(applyTo) ? 'ADD' : patch.operation, match, value }]];
}

/** Longest expression for versions that is looked at; a longer one matches nothing. */
const MAX_VERSION_PATTERN = 1024;

function proxyMatches({ proxy: wanted }: ObjectMatch, proxy: ProxyView): boolean {
  if (wanted === undefined) return true;
  const { proxyVersion = '', metadata = {} } = wanted;
  if (proxyVersion !== '' && !versionMatches(proxyVersion, String(proxy.metadata['ISTIO_VERSION'] ?? ''))) return false;
  return Object.entries(metadata).every(([key, value]) => proxy.metadata[key] === value);
}

function versionMatches(pattern: string, version: string): boolean {
  if (version === '' || pattern.length > MAX_VERSION_PATTERN) return false;
  try {
    return RE2JS.compile(pattern).matcher(version).find();
  } catch (thrown) {
    // An expression that cannot be read restricts nothing, as in Istio.
    if (thrown instanceof Error) return true;
    throw thrown;
  }
}
