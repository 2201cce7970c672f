import type { FilterChainMatch } from '#xds';
import { type AddressRange, compileRange } from './cidr.ts';
import { ConfigProblem } from './problem.ts';

/** What connections a filter chain is for. Empty lists and undefined fields ask for nothing. */
export interface ChainCriteria {
  readonly port: number | undefined;
  readonly destinations: readonly AddressRange[];
  /** In lower case, as the names that clients ask for. */
  readonly serverNames: readonly string[];
  readonly transport: string;
  readonly alpn: readonly string[];
  /** Of the other end of the socket, whoever the client is. */
  readonly directSources: readonly AddressRange[];
  readonly sourceType: 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';
  readonly sources: readonly AddressRange[];
  readonly sourcePorts: ReadonlySet<number>;
}

/** Reads envoy.config.listener.v3.FilterChainMatch. */
export function readChainMatch(match: FilterChainMatch): ChainCriteria {
  if (match.address_suffix !== undefined || match.suffix_len !== undefined) {
    throw new ConfigProblem('filter_chain_match', 'contains unimplemented fields');
  }
  const ranges = (field: 'prefix_ranges' | 'direct_source_prefix_ranges' | 'source_prefix_ranges'): AddressRange[] =>
    (match[field] ?? []).map((range, i) => compileRange(range, `filter_chain_match.${field}[${i}]`));
  return {
    port: match.destination_port,
    destinations: ranges('prefix_ranges'),
    serverNames: (match.server_names ?? []).map(readServerName),
    transport: match.transport_protocol ?? '',
    alpn: match.application_protocols ?? [],
    directSources: ranges('direct_source_prefix_ranges'),
    sourceType: match.source_type ?? 'ANY',
    sources: ranges('source_prefix_ranges'),
    sourcePorts: new Set(match.source_ports ?? []),
  };
}

function readServerName(name: string): string {
  if (name.replace(/^\*\./, '').includes('*')) {
    throw new ConfigProblem('filter_chain_match', 'partial wildcards are not supported in "server_names"');
  }
  return name.toLowerCase();
}

/** Every combination of values that a chain is for: two chains must not have one in common. */
export function combinations(criteria: ChainCriteria): readonly string[] {
  const any = <Value>(values: readonly Value[]): readonly (Value | '')[] => (values.length === 0 ? [''] : values);
  const texts = (ranges: readonly AddressRange[]): readonly string[] => any(ranges.map(({ text }) => text));
  const parts: readonly (readonly unknown[])[] = [
    [criteria.port],
    texts(criteria.destinations),
    any(criteria.serverNames),
    [criteria.transport],
    any(criteria.alpn),
    texts(criteria.directSources),
    [criteria.sourceType],
    texts(criteria.sources),
    any([...criteria.sourcePorts]),
  ];
  return parts.reduce<readonly string[]>(
    (sofar, values) => sofar.flatMap((before) => values.map((value) => `${before} ${value}`)),
    [''],
  );
}
