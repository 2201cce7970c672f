import type { FilterChain, FilterChainMatch, Listener } from '#xds';
import { HTTP_INSPECTOR, PLAINTEXT_HTTP, TLS_INSPECTOR } from './listener-filters.ts';

type ListenerFilter = NonNullable<Listener['listener_filters']>[number];

/**
 * The inspectors that an inbound listener's chains rest on. Each is switched off for ports whose chains do not ask for it: where the
 * server speaks first, waiting for the client's bytes would be waiting for ever.
 */
export function inspectors(chains: readonly FilterChain[]): ListenerFilter[] {
  const matches = chains.map((chain) => chain.filter_chain_match ?? {});
  // The TLS inspector comes first: the HTTP inspector leaves alone what turned out to be TLS.
  return [
    ...inspector(TLS_INSPECTOR, matches, (match) => match.transport_protocol === 'tls'),
    ...inspector(HTTP_INSPECTOR, matches, (match) =>
      (match.application_protocols ?? []).some((name) => PLAINTEXT_HTTP.includes(name)),
    ),
  ];
}

function inspector(
  filter: ListenerFilter,
  matches: readonly FilterChainMatch[],
  asksFor: (match: FilterChainMatch) => boolean,
): ListenerFilter[] {
  const wanted = new Map<number, boolean>();
  for (const match of matches) {
    const port = match.destination_port ?? 0;
    wanted.set(port, (wanted.get(port) ?? false) || asksFor(match));
  }
  if (![...wanted.values()].includes(true)) return [];
  const onByDefault = wanted.get(0) === true;
  const exceptions = [...wanted].filter(([port, on]) => port !== 0 && on !== onByDefault).map(([port]) => port);
  if (exceptions.length === 0 && onByDefault) return [filter];
  const listed = portsPredicate(exceptions.sort((a, b) => a - b));
  const limited = { ...filter, filter_disabled: onByDefault ? listed : { not_match: listed } };
  return [limited];
}

function portsPredicate(ports: readonly number[]): Record<string, unknown> {
  const rules = ports.map((port) => ({ destination_port_range: { start: port, end: port + 1 } }));
  const [only] = rules;
  return rules.length === 1 && only !== undefined ? only : { or_match: { rules } };
}
