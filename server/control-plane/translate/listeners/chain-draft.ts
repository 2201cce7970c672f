import type { FilterChain, FilterChainMatch, Metadata, TransportSocket } from '#xds';
import { toCidr } from '../../snapshot/addresses.ts';
import { UNSPECIFIED } from '../../snapshot/services.ts';

/** A filter chain before it is known what else stands on its listener. */
export interface ChainDraft {
  readonly sniHosts: readonly string[];
  readonly cidrs: readonly string[];
  readonly applicationProtocols?: readonly string[];
  readonly transportProtocol?: string;
  readonly filters: FilterChain['filters'];
  readonly metadata?: Metadata;
  readonly transport_socket?: TransportSocket;
  /** The rule behind it is not named in Istio's own metadata. */
  readonly isIstioNameless?: boolean;
}

/** Whether a chain accepts everything. */
export const matchesAll = ({ sniHosts, cidrs, applicationProtocols, transportProtocol }: ChainDraft): boolean =>
  (sniHosts.length === 0 || sniHosts.includes('*')) &&
  cidrs.length === 0 &&
  (applicationProtocols ?? []).length === 0 &&
  !transportProtocol;

/** Which connections a chain takes; undefined where it takes all. */
export function draftMatch(draft: ChainDraft): FilterChainMatch | undefined {
  if (matchesAll(draft)) return undefined;
  const { sniHosts, cidrs, applicationProtocols = [], transportProtocol } = draft;
  const ranges = [...cidrs].sort().flatMap((cidr) => {
    const range = toCidr(cidr);
    return range === undefined || range.address_prefix === UNSPECIFIED ? [] : [range];
  });
  return {
    ...(ranges.length > 0 && { prefix_ranges: ranges }),
    ...(sniHosts.length > 0 && !sniHosts.includes('*') && { server_names: [...sniHosts].sort() }),
    ...(transportProtocol && { transport_protocol: transportProtocol }),
    ...(applicationProtocols.length > 0 && { application_protocols: [...applicationProtocols] }),
  };
}

/** Slow handshakes end after this time, so that they cannot use up memory. */
const HANDSHAKE_TIMEOUT = '15s';

export function toChain(draft: ChainDraft): FilterChain {
  const match = draftMatch(draft);
  return {
    ...(match && { filter_chain_match: match }),
    filters: draft.filters,
    ...(draft.transport_socket && { transport_socket: draft.transport_socket }),
    transport_socket_connect_timeout: HANDSHAKE_TIMEOUT,
    ...(draft.metadata && { metadata: draft.isIstioNameless ? withoutIstio(draft.metadata) : draft.metadata }),
  };
}

function withoutIstio({ filter_metadata = {} }: Metadata): Metadata {
  const { istio: _, ...rest } = filter_metadata;
  return { filter_metadata: rest };
}

/** The same for two chains that take the same connections, of which Envoy would refuse the second. */
export const matchKey = (draft: ChainDraft): string =>
  JSON.stringify([
    draft.transportProtocol ?? '',
    draft.applicationProtocols ?? [],
    [...new Set(draft.sniHosts.filter((name) => name !== '*'))].sort(),
    [...new Set(draft.cidrs.flatMap(maskedRange))].sort(),
  ]);

function maskedRange(text: string): string[] {
  const range = toCidr(text);
  if (range === undefined || range.address_prefix === UNSPECIFIED) return [];
  if (range.address_prefix.includes(':')) return [`${range.address_prefix}/${range.prefix_len}`];
  const number = range.address_prefix.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - range.prefix_len);
  return [`${Math.floor(number / size) * size}/${range.prefix_len}`];
}

/** Chains that only take what must not loop are neither logged nor timed. */
export const isBlackHole = ({ name }: Pick<FilterChain, 'name'>): boolean => name?.endsWith('-blackhole') === true;
