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
  return [...tlsInspector(matches), ...httpInspector(matches)];
}

/** Ports by whether one of their chains asks for an inspector; 0 stands for all other ports. */
function wantedBy(
  matches: readonly FilterChainMatch[],
  asksFor: (match: FilterChainMatch) => boolean,
): ReadonlyMap<number, boolean> {
  const wanted = new Map<number, boolean>();
  for (const match of matches) {
    const port = match.destination_port ?? 0;
    wanted.set(port, (wanted.get(port) ?? false) || asksFor(match));
  }
  return wanted;
}

const portsWith = (wanted: ReadonlyMap<number, boolean>, on: boolean): number[] =>
  [...wanted]
    .filter(([, value]) => value === on)
    .map(([port]) => port)
    .sort((a, b) => a - b);

function tlsInspector(matches: readonly FilterChainMatch[]): ListenerFilter[] {
  const wanted = wantedBy(matches, ({ transport_protocol }) => transport_protocol === 'tls');
  const on = portsWith(wanted, true);
  if (on.length === 0) return [];
  const off = portsWith(wanted, false);
  if (wanted.get(0) === true)
    return [off.length === 0 ? TLS_INSPECTOR : { ...TLS_INSPECTOR, filter_disabled: ports(off) }];
  return [{ ...TLS_INSPECTOR, filter_disabled: { not_match: ports(on) } }];
}

function httpInspector(matches: readonly FilterChainMatch[]): ListenerFilter[] {
  const wanted = wantedBy(matches, ({ application_protocols = [] }) =>
    application_protocols.some((name) => PLAINTEXT_HTTP.includes(name)),
  );
  if (portsWith(wanted, true).length === 0) return [];
  const off = portsWith(wanted, false);
  return [off.length === 0 ? HTTP_INSPECTOR : { ...HTTP_INSPECTOR, filter_disabled: ports(off) }];
}

function ports(list: readonly number[]): Record<string, unknown> {
  const rules = list.map((port) => ({ destination_port_range: { ...(port > 0 && { start: port }), end: port + 1 } }));
  const [only] = rules;
  return rules.length === 1 && only !== undefined ? only : { or_match: { rules } };
}
