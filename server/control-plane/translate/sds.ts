/** Secret names that Istio's agent serves: the workload's own certificate and the mesh's roots. */
export const SDS_CERTIFICATE = 'default';
export const SDS_ROOTS = 'ROOTCA';

/** Where a proxy gets a secret: from the agent beside it, through the cluster that its bootstrap calls `sds-grpc`. */
export const sdsSecret = (name: string): Record<string, unknown> => ({
  name,
  sds_config: {
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
      set_node_on_first_message_only: true,
    },
    // Without the mesh's own secrets nothing works: a proxy waits for them as long as it takes.
    ...((name === SDS_CERTIFICATE || name === SDS_ROOTS) && { initial_fetch_timeout: '0s' }),
    resource_api_version: 'V3',
  },
});

/** Stands for the workload's own certificate where a Gateway names one. */
const BUILTIN = 'builtin://';
/** Stands for a certificate that is never valid: what could not be found is not replaced by anything. */
const INVALID = 'invalid://';

/**
 * A certificate that a rule or a Gateway calls by the name of its Secret: the control plane itself serves it. A name may say where it
 * is (`kubernetes://namespace/name`).
 */
export function credentialSecret(name: string, suffix = ''): Record<string, unknown> {
  if (name === BUILTIN) return sdsSecret(SDS_CERTIFICATE);
  if (name.startsWith(BUILTIN)) return { name: SDS_CERTIFICATE, sds_config: ADS_ONLY };
  const complete = name.startsWith(INVALID)
    ? INVALID
    : `${name.includes('://') ? name : `kubernetes://${name}`}${suffix}`;
  return { name: complete, sds_config: ADS_ONLY };
}

const ADS_ONLY = { ads: {}, resource_api_version: 'V3' };
