import type { SocketAddress } from '#domain';
import type { CompiledFilterChain } from '../config/listener-config.ts';
import type { Inspection } from '../tls/index.ts';

/** What a filter chain is chosen by. */
export interface ChainSubject {
  readonly destination: SocketAddress;
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
    fitness: ({ match }, { destination }) =>
      match.destination_port === undefined ? 1 : match.destination_port === destination.port ? 2 : 0,
    reason: ({ match }, { destination }) =>
      match.destination_port === undefined
        ? `takes any port, and another chain names port ${destination.port}`
        : `takes port ${match.destination_port}, the connection goes to ${destination.port}`,
  },
  {
    fitness: ({ match }, { destination }) => {
      if (match.prefix_ranges === undefined || match.prefix_ranges.length === 0) return 1;
      const lengths = match.prefix_ranges
        .filter((range) => inRange(destination.ip, range))
        .map((range) => range.prefix_len);
      return lengths.length === 0 ? 0 : 2 + Math.max(...lengths);
    },
    reason: ({ match }, { destination }) =>
      match.prefix_ranges === undefined
        ? `takes any address, and another chain names ${destination.ip}`
        : `takes other addresses than ${destination.ip}`,
  },
  {
    fitness: ({ match }, { inspection }) => serverNameFit(match.server_names ?? [], inspection.serverName),
    reason: ({ match }, { inspection }) =>
      `needs server name ${(match.server_names ?? ['(any)']).join(' or ')}, the client asks for ${inspection.serverName || 'none'}`,
  },
  {
    fitness: ({ match }, { inspection }) =>
      match.transport_protocol === undefined || match.transport_protocol === ''
        ? 1
        : match.transport_protocol === inspection.transport
          ? 2
          : 0,
    reason: ({ match }, { inspection }) =>
      match.transport_protocol === 'tls'
        ? 'needs TLS, the client sent plaintext'
        : inspection.transport === 'tls'
          ? 'takes plaintext, the client sent TLS'
          : 'is less specific about the transport',
  },
  {
    fitness: ({ match }, { inspection }) => {
      const wanted = match.application_protocols ?? [];
      if (wanted.length === 0) return 1;
      // The client's order counts: the first protocol that any chain names decides.
      const place = inspection.alpn.findIndex((protocol) => wanted.includes(protocol));
      return place < 0 ? 0 : 2 + inspection.alpn.length - place;
    },
    reason: ({ match }, { inspection }) =>
      (match.application_protocols ?? []).length === 0
        ? 'asks for no protocol, and another chain names this one'
        : `needs protocol ${match.application_protocols?.join(' or ')}, the client offers ${inspection.alpn.join(', ') || 'none'}`,
  },
];

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

function serverNameFit(wanted: readonly string[], name: string): number {
  if (wanted.length === 0) return 1;
  let best = 0;
  for (const one of wanted) {
    if (one === name) return Number.MAX_SAFE_INTEGER;
    if (one === '*') best = Math.max(best, 2);
    else if (one.startsWith('*.') && name.endsWith(one.slice(1))) best = Math.max(best, 2 + one.length);
  }
  return best;
}

function inRange(ip: string, range: { readonly address_prefix: string; readonly prefix_len: number }): boolean {
  const [address, network] = [ipv4Number(ip), ipv4Number(range.address_prefix)];
  if (address === undefined || network === undefined) return ip === range.address_prefix;
  if (range.prefix_len === 0) return true;
  const shift = 32 - range.prefix_len;
  return address >>> shift === network >>> shift;
}

function ipv4Number(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part < 256))) return undefined;
  return parts.reduce((number, part) => number * 256 + part, 0);
}
