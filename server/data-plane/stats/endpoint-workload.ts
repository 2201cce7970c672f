import { type PeerWorkload, UNKNOWN_PEER } from '../http/peer-metadata.ts';

/**
 * Reads `workload;namespace;canonical name;canonical revision;cluster`, as EDS names the workload behind an endpoint: what a client knows
 * of a server without a proxy. Undefined for anything else. Source: convertEndpointMetadata, Envoy's contrib.
 */
export function readEndpointWorkload(text: string): PeerWorkload | undefined {
  const [workload = '', namespace = '', service = '', version = '', cluster] = text.split(';');
  return cluster === undefined ? undefined : { ...UNKNOWN_PEER, workload, namespace, service, version, cluster };
}
