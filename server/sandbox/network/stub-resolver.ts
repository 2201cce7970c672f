import { isIPv4 } from 'node:net';
import type { AskNames, NameAnswer } from '#domain';
import { searchList } from './dns.ts';

/** As a pod's resolv.conf says: a name with fewer dots is tried with the search list first. */
const NDOTS = 5;

/** What became of a name: its addresses, or why there are none. */
export interface Resolved {
  /** The name that was answered, with its ending. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly code: NameAnswer['code'];
}

/**
 * Looks a host up as the C library of a pod does: one question for each name of the search list, until one has an address. A server that
 * fails is asked for the next name, too, and the failure is told if none is found.
 */
export function lookUp(ask: AskNames, host: string, namespace: string): Resolved {
  if (isIPv4(host)) return { name: host, addresses: [host], code: 'NOERROR' };
  let failed = false;
  let exists: string | undefined;
  for (const name of searched(host, namespace)) {
    const { code, records } = ask(name, 'A');
    const addresses = records.flatMap(({ type, value }) => (type === 'A' ? [value] : []));
    if (addresses.length > 0) return { name, addresses, code };
    if (code === 'SERVFAIL') failed = true;
    else if (code === 'NOERROR') exists ??= name;
  }
  const code = failed ? 'SERVFAIL' : exists === undefined ? 'NXDOMAIN' : 'NOERROR';
  return { name: exists ?? host, addresses: [], code };
}

/** The names that a host may stand for, in the order in which they are tried. */
export function searched(host: string, namespace: string): readonly string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)];
  const longer = searchList(namespace).map((suffix) => `${host}.${suffix}`);
  return host.split('.').length - 1 < NDOTS ? [...longer, host] : [host, ...longer];
}
