import { valueAt } from '../../config/metadata-match.ts';
import type { HostSource } from '../../config/named-hosts.ts';
import type { Exchange } from '../exchange.ts';

/** The hosts of the first source that names any, in their order. */
export function namedHosts({ head, dynamicMetadata }: Exchange, sources: readonly HostSource[]): string[] {
  for (const source of sources) {
    const told =
      'header' in source
        ? head.headers.get(source.header)
        : valueAt(dynamicMetadata?.of(source.metadata.namespace), source.metadata.path);
    const hosts = typeof told === 'string' ? told.split(',').map((host) => host.trim()) : [];
    const named = hosts.filter((host) => host !== '');
    if (named.length > 0) return named;
  }
  return [];
}
