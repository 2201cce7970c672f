import { type FilterChain, type HttpConnectionManager, type Listener, mergeAny, mergeMessages } from '#xds';
import type { ListenerMatch } from '../../snapshot/envoy-filters.ts';
import { mergeFilter, type NamedConfig, PatchPanic, patchList } from './filter-list.ts';
import { isMerge, type Patch, type PatchSet, patchesTo, replaces } from './patches.ts';
import { patchRouteConfiguration, type RoutePatchContext } from './route-patches.ts';
import { wholeChain, wholeListener } from './whole-messages.ts';

const HCM = 'envoy.filters.network.http_connection_manager';
const VIRTUAL: ReadonlySet<string> = new Set(['virtualInbound', 'virtualOutbound']);

/** Whether it is one of the two that capture leads to: each is patched by itself, the others together. */
export const isVirtual = ({ name }: Listener): boolean => VIRTUAL.has(name);

export interface PatchedListener {
  /** Undefined when it is removed. */
  readonly listener: Listener | undefined;
  /** A patch could not be applied, and those behind it were not. */
  readonly broken: boolean;
}

/**
 * Applies all patches to one listener and what is inside it.
 * Source: pilot/pkg/networking/core/envoyfilter/listener_patch.go.
 */
export function patchListener(given: Listener, patches: PatchSet, context: RoutePatchContext): PatchedListener {
  let listener = given;
  for (const patch of patchesTo(patches, 'LISTENER', context.context)) {
    if (!listenerMatches(listener, patch.match.listener, false)) continue;
    if (patch.operation === 'REMOVE') return { listener: undefined, broken: false };
    if (isMerge(patch)) {
      listener = wholeListener(
        mergeMessages('envoy.config.listener.v3.Listener', listener, patch.value, replaces(patch)),
      );
    }
  }
  // What stood before the patch at which istiod gave up stays.
  const keep = (changed: Listener): void => {
    listener = changed;
  };
  try {
    patchListenerFilters(listener, patchesTo(patches, 'LISTENER_FILTER', context.context), keep);
    return { listener: patchChains(listener, patches, context), broken: false };
  } catch (thrown) {
    if (thrown instanceof PatchPanic) return { listener, broken: true };
    throw thrown;
  }
}

function listenerMatches(listener: Listener, match: ListenerMatch | undefined, inside: boolean): boolean {
  if (match === undefined) return true;
  if (match.name && match.name !== listener.name) return false;
  // The ports of the two capture listeners stand in the matches of their chains.
  if (inside && VIRTUAL.has(listener.name)) return true;
  return !match.portNumber || listener.address?.socket_address?.port_value === match.portNumber;
}

function patchListenerFilters(listener: Listener, patches: readonly Patch[], keep: (changed: Listener) => void): void {
  let filters: NamedConfig[] = listener.listener_filters ?? [];
  for (const patch of patches.filter(({ match }) => listenerMatches(listener, match.listener, true))) {
    const wanted = patch.match.listener?.listenerFilter ?? '';
    const matches = ({ name }: NamedConfig): boolean => wanted === '' || wanted === name;
    if (patch.operation !== 'MERGE') filters = patchList(filters, { patch, namesItem: wanted !== '', matches });
    // As in Istio, a merge reaches every filter once it names one.
    else if (wanted !== '') filters = filters.map((filter) => mergeFilter(filter, { ...patch.value, name: '' }));
    keep({ ...listener, listener_filters: filters as NonNullable<Listener['listener_filters']> });
  }
}

/** Istiod takes a chain that never had a filter for one that was removed. */
const hasFilters = ({ filters }: FilterChain): boolean => filters.length > 0;

function patchChains(listener: Listener, patches: PatchSet, context: RoutePatchContext): Listener {
  const patchOne = (chain: FilterChain): FilterChain | undefined => patchChain(listener, chain, patches, context);
  const chains = (listener.filter_chains ?? []).filter(hasFilters).flatMap((chain) => patchOne(chain) ?? []);
  const added = patchesTo(patches, 'FILTER_CHAIN', context.context)
    .filter(({ operation, match }) => operation === 'ADD' && listenerMatches(listener, match.listener, true))
    .map(({ value }) => wholeChain(value))
    .filter(hasFilters);
  const { default_filter_chain: fallback, ...rest } = listener;
  const kept = fallback && hasFilters(fallback) ? patchOne(fallback) : fallback;
  return {
    ...rest,
    ...(listener.filter_chains || added.length > 0 ? { filter_chains: [...chains, ...added] } : {}),
    ...(kept && { default_filter_chain: kept }),
  };
}

function patchChain(
  listener: Listener,
  given: FilterChain,
  patches: PatchSet,
  context: RoutePatchContext,
): FilterChain | undefined {
  let chain = given;
  const matches = ({ match }: Patch): boolean =>
    listenerMatches(listener, match.listener, true) && chainMatches(listener, chain, match.listener);
  for (const patch of patchesTo(patches, 'FILTER_CHAIN', context.context)) {
    if (!matches(patch)) continue;
    if (patch.operation === 'REMOVE') return undefined;
    if (isMerge(patch)) chain = mergeChain(chain, patch);
  }
  let filters = chain.filters;
  for (const patch of patchesTo(patches, 'NETWORK_FILTER', context.context).filter(matches)) {
    filters = patchList(filters, { patch, namesItem: filterMatch(patch) !== undefined, matches: namedBy(patch) });
  }
  return { ...chain, filters: filters.map((filter) => patchNetworkFilter(filter, matches, patches, context)) };
}

/** A transport socket of the same name is merged into its configuration, and then nothing else of the patch counts. */
function mergeChain(chain: FilterChain, patch: Patch): FilterChain {
  const given = (patch.value as FilterChain).transport_socket;
  const held = chain.transport_socket;
  if (given !== undefined && held !== undefined && given.name === held.name) {
    const merged = given.typed_config && held.typed_config && mergeAny(held.typed_config, given.typed_config);
    return merged ? { ...chain, transport_socket: { ...held, typed_config: merged } } : chain;
  }
  return mergeMessages('envoy.config.listener.v3.FilterChain', chain, patch.value, replaces(patch));
}

function chainMatches(listener: Listener, chain: FilterChain, match: ListenerMatch | undefined): boolean {
  if (match === undefined) return true;
  const has = chain.filter_chain_match ?? {};
  if (VIRTUAL.has(listener.name) && match.portNumber && has.destination_port !== match.portNumber) return false;
  const wanted = match.filterChain;
  if (wanted === undefined) return true;
  const protocols = wanted.applicationProtocols ? wanted.applicationProtocols.split(',') : [];
  return (
    (!wanted.name || wanted.name === chain.name) &&
    (!wanted.sni || (has.server_names ?? []).includes(wanted.sni)) &&
    (!wanted.transportProtocol || wanted.transportProtocol === has.transport_protocol) &&
    protocols.every((protocol) => (has.application_protocols ?? []).includes(protocol)) &&
    (!wanted.destinationPort || wanted.destinationPort === has.destination_port)
  );
}

const filterMatch = ({ match }: Patch) => match.listener?.filterChain?.filter;

/** Whether the patch is for the network filter of this name; a patch that names none is for all. */
const namedBy =
  (patch: Patch) =>
  ({ name }: NamedConfig): boolean => {
    const wanted = filterMatch(patch);
    return wanted === undefined || wanted.name === name;
  };

type NetworkFilter = FilterChain['filters'][number];

function patchNetworkFilter(
  given: NetworkFilter,
  inChain: (patch: Patch) => boolean,
  patches: PatchSet,
  context: RoutePatchContext,
): NetworkFilter {
  let filter = given;
  for (const patch of patchesTo(patches, 'NETWORK_FILTER', context.context)) {
    if (patch.operation === 'MERGE' && inChain(patch) && namedBy(patch)(filter))
      filter = mergeFilter(filter, patch.value);
  }
  if (filter.name !== HCM) return filter;
  const applying = patchesTo(patches, 'HTTP_FILTER', context.context).filter(
    (patch) => inChain(patch) && namedBy(patch)(filter),
  );
  const manager = patchInlineRoutes(filter.typed_config as HttpConnectionManager, patches, context);
  return { ...filter, typed_config: patchHttpFilters(manager, applying) };
}

function patchInlineRoutes(
  manager: HttpConnectionManager,
  patches: PatchSet,
  context: RoutePatchContext,
): HttpConnectionManager {
  const { route_config: inline } = manager;
  return inline === undefined
    ? manager
    : { ...manager, route_config: patchRouteConfiguration(inline, patches, context) };
}

function patchHttpFilters(manager: HttpConnectionManager, applying: readonly Patch[]): HttpConnectionManager {
  if (applying.length === 0) return manager;
  let filters: NamedConfig[] = manager.http_filters ?? [];
  for (const patch of applying) {
    const wanted = filterMatch(patch)?.subFilter;
    filters = patchList(filters, {
      patch,
      namesItem: wanted !== undefined,
      matches: ({ name }) => wanted?.name === name,
    });
  }
  for (const patch of applying.filter(({ operation }) => operation === 'MERGE')) {
    const wanted = filterMatch(patch)?.subFilter;
    filters = filters.map((filter) =>
      wanted === undefined || wanted.name === filter.name ? mergeFilter(filter, patch.value) : filter,
    );
  }
  return { ...manager, http_filters: filters as NonNullable<HttpConnectionManager['http_filters']> };
}
