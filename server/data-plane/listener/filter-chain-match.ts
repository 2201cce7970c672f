import type { SocketAddress } from '#domain';
import type { AddressRange } from '../config/cidr.ts';
import type { CompiledFilterChain } from '../config/listener-config.ts';
import type { Inspection } from '../tls/index.ts';

/** What a filter chain is chosen by. */
export interface ChainSubject {
  readonly destination: SocketAddress;
  /** The client, and the other end of the socket. */
  readonly source: SocketAddress;
  readonly directSource: SocketAddress;
  readonly inspection: Inspection;
}

export interface ChainChoice {
  /** Undefined when no chain matches and the listener has no default chain. */
  readonly chain: CompiledFilterChain | undefined;
  readonly rejected: readonly { readonly chain: CompiledFilterChain; readonly reason: string }[];
}

/** One criterion: how well a chain fits (0: not at all, 1: it does not ask, more: it asks and fits), and why it does not. */
interface Criterion {
  readonly fitness: (chain: CompiledFilterChain, subject: ChainSubject) => number;
  readonly reason: (chain: CompiledFilterChain, subject: ChainSubject) => string;
}

/** The sieve in Envoy's order. Each criterion keeps only the chains that fit best; nothing is tried again later. */
const CRITERIA: readonly Criterion[] = [
  {
    fitness: ({ criteria: { port } }, { destination }) => (port === undefined ? 1 : port === destination.port ? 2 : 0),
    reason: ({ criteria: { port } }, { destination }) =>
      port === undefined
        ? `takes any port, and another chain names port ${destination.port}`
        : `takes port ${port}, the connection goes to ${destination.port}`,
  },
  inRanges(
    ({ criteria }) => criteria.destinations,
    ({ destination }) => destination.ip,
    'addresses',
  ),
  {
    fitness: ({ criteria }, { inspection }) => serverNameFit(criteria.serverNames, inspection.serverName.toLowerCase()),
    reason: ({ match }, { inspection }) =>
      `needs server name ${(match.server_names ?? ['(any)']).join(' or ')}, the client asks for ${inspection.serverName || 'none'}`,
  },
  {
    fitness: ({ criteria: { transport } }, { inspection }) =>
      transport === '' ? 1 : transport === inspection.transport ? 2 : 0,
    reason: ({ criteria: { transport } }, { inspection }) =>
      transport === 'tls'
        ? 'needs TLS, the client sent plaintext'
        : inspection.transport === 'tls'
          ? 'takes plaintext, the client sent TLS'
          : 'is less specific about the transport',
  },
  {
    fitness: ({ criteria: { alpn } }, { inspection }) => {
      if (alpn.length === 0) return 1;
      // The client's order counts: the first protocol that any chain names decides.
      const place = inspection.alpn.findIndex((protocol) => alpn.includes(protocol));
      return place < 0 ? 0 : 2 + inspection.alpn.length - place;
    },
    reason: ({ criteria: { alpn } }, { inspection }) =>
      alpn.length === 0
        ? 'asks for no protocol, and another chain names this one'
        : `needs protocol ${alpn.join(' or ')}, the client offers ${inspection.alpn.join(', ') || 'none'}`,
  },
  inRanges(
    ({ criteria }) => criteria.directSources,
    ({ directSource }) => directSource.ip,
    'direct clients',
  ),
  {
    fitness: ({ criteria: { sourceType } }, subject) =>
      sourceType === 'ANY' ? 1 : (sourceType === 'SAME_IP_OR_LOOPBACK') === isSameHost(subject) ? 2 : 0,
    reason: ({ criteria: { sourceType } }, { source }) =>
      sourceType === 'ANY'
        ? 'takes any client, and another chain asks where it comes from'
        : `takes clients ${sourceType === 'EXTERNAL' ? 'of other hosts' : 'of the same host'}, and not ${source.ip}`,
  },
  inRanges(
    ({ criteria }) => criteria.sources,
    ({ source }) => source.ip,
    'clients',
  ),
  {
    fitness: ({ criteria: { sourcePorts } }, { source }) =>
      sourcePorts.size === 0 ? 1 : sourcePorts.has(source.port) ? 2 : 0,
    reason: ({ criteria: { sourcePorts } }, { source }) =>
      sourcePorts.size === 0
        ? `takes clients from any port, and another chain names port ${source.port}`
        : `takes clients from other ports than ${source.port}`,
  },
];

/** A criterion by address: the longest prefix counts. */
function inRanges(
  ranges: (chain: CompiledFilterChain) => readonly AddressRange[],
  address: (subject: ChainSubject) => string,
  what: string,
): Criterion {
  return {
    fitness: (chain, subject) => {
      const wanted = ranges(chain);
      if (wanted.length === 0) return 1;
      const ip = address(subject);
      return wanted.reduce((best, range) => (range.contains(ip) ? Math.max(best, 2 + range.bits) : best), 0);
    },
    reason: (chain, subject) =>
      ranges(chain).length === 0
        ? `takes any ${what}, and another chain names ${address(subject)}`
        : `takes other ${what} than ${address(subject)}`,
  };
}

/** Chooses the filter chain and tells why each other one was dropped. */
export function chooseChain(
  chains: readonly CompiledFilterChain[],
  defaultChain: CompiledFilterChain | undefined,
  subject: ChainSubject,
): ChainChoice {
  let left = chains;
  const rejected: { chain: CompiledFilterChain; reason: string }[] = [];
  for (const { fitness, reason } of CRITERIA) {
    const fits = left.map((chain) => fitness(chain, subject));
    const best = Math.max(0, ...fits);
    const kept: CompiledFilterChain[] = [];
    for (const [i, chain] of left.entries()) {
      if (best > 0 && fits[i] === best) kept.push(chain);
      else rejected.push({ chain, reason: reason(chain, subject) });
    }
    left = kept;
  }
  return { chain: left[0] ?? defaultChain, rejected };
}

/** The client is on this host: it has the address that it dials, or the loopback address. */
export const isSameHost = ({ source, destination }: Pick<ChainSubject, 'source' | 'destination'>): boolean =>
  source.ip === destination.ip || source.ip === '127.0.0.1' || source.ip === '::1';

function serverNameFit(wanted: readonly string[], name: string): number {
  if (wanted.length === 0) return 1;
  let best = 0;
  for (const one of wanted) {
    if (one === name) return Number.MAX_SAFE_INTEGER;
    if (one.startsWith('*.') && name.endsWith(one.slice(1))) best = Math.max(best, 2 + one.length);
  }
  return best;
}
