import type { Cluster } from '#xds';
import { type MetadataPlace, readMetadataKey } from './named-hosts.ts';
import { readNumber, record } from './values.ts';

/** How an ORIGINAL_DST cluster finds a request's host, apart from where its client wanted to connect. */
export interface OriginalDstConfig {
  /** A request may name its host in this header; empty: it may not. */
  readonly header: string;
  /** Filters may name it in this metadata of the request; undefined: they may not. */
  readonly metadata: MetadataPlace | undefined;
  /** In place of the port of the address; 0: none. */
  readonly port: number;
}

const HEADER = 'x-envoy-original-dst-host';

/** Reads Cluster.OriginalDstLbConfig; undefined where nothing but the connection counts. */
export function readOriginalDst({ original_dst_lb_config: given }: Cluster): OriginalDstConfig | undefined {
  if (given === undefined) return undefined;
  const key = record(given['metadata_key']);
  const name = String(given['http_header_name'] || HEADER).toLowerCase();
  return {
    header: given['use_http_header'] === true ? name : '',
    metadata: key && readMetadataKey(key),
    port: readNumber(given['upstream_port_override'], 0),
  };
}
