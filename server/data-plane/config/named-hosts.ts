import { ConfigProblem } from './problem.ts';
import { type Fields, record } from './values.ts';

/** Where a request, or a filter for it, names the hosts that it is to be sent to: `address:port`, several with commas between. */
export type HostSource = { readonly header: string } | { readonly metadata: MetadataPlace };

export interface MetadataPlace {
  readonly namespace: string;
  readonly path: readonly string[];
}

/** Reads envoy.type.metadata.v3.MetadataKey. */
export const readMetadataKey = (given: Fields): MetadataPlace => ({
  namespace: String(given['key']),
  path: ((given['path'] ?? []) as readonly Fields[]).map(({ key }) => String(key)),
});

/** Reads `override_host_sources` of the balancer override_host. Throws ConfigProblem. */
export function readHostSources(own: Fields, field: string): readonly HostSource[] {
  const given = (own['override_host_sources'] ?? []) as readonly Fields[];
  if (given.length === 0)
    throw new ConfigProblem(`${field}.override_host_sources`, 'value must contain at least 1 item(s)');
  if (own['selected_host_key'] !== undefined)
    throw new ConfigProblem(`${field}.selected_host_key`, 'this proxy writes no metadata of the chosen host');
  return given.map((source, i) => {
    const header = String(source['header'] ?? '');
    const metadata = record(source['metadata']);
    if ((header === '') === (metadata === undefined)) {
      const why = 'Exactly one of header or metadata must be set for override host source';
      throw new ConfigProblem(`${field}.override_host_sources[${i}]`, why);
    }
    return metadata === undefined ? { header: header.toLowerCase() } : { metadata: readMetadataKey(metadata) };
  });
}
