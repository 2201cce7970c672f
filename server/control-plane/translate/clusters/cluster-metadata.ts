import type { Metadata } from '#xds';
import { type Config, fieldOf } from '../../snapshot/config.ts';
import type { ConnectionPoolSettings } from '../../snapshot/istio-types.ts';
import type { ClusterInput } from './cluster-input.ts';
import { POOL_PARTS } from './connection-pool.ts';
import { isDynamic } from './dynamic-dns.ts';
import { configPath, meshworkOrigin, type OriginParts, serviceOrigin } from './origin-metadata.ts';
import type { EffectivePolicy, PolicyBlock } from './traffic-policy.ts';

/** A cluster's metadata: Istio's service list, rule and subset, and the fields behind its parts. */
export function clusterMetadata(input: ClusterInput, policy: EffectivePolicy): Metadata {
  const { service, port, rule, subset, sniDnat } = input;
  const owner = subset?.owner ?? rule?.trafficPolicy?.owner ?? rule?.owner;
  const istio = {
    ...((sniDnat || !isDynamic(service)) && {
      services: [{ host: service.hostname, name: service.name, namespace: service.namespace }],
    }),
    ...(service.meshExternal && subset === undefined && { external: true }),
    ...(overridesAlpn(policy) && { alpn_override: 'false' }),
  };
  if (rule === undefined || owner === undefined) {
    const { alpn_override: _, ...plain } = istio as typeof istio & { alpn_override?: string };
    const known = Object.keys(plain).length > 0;
    return {
      filter_metadata: { ...(known && { istio: plain }), meshwork: meshworkOrigin(serviceOrigin(service, port.index)) },
    };
  }
  const origin = fieldOf(owner, subset?.path ?? rule.trafficPolicy?.path ?? '');
  return {
    filter_metadata: {
      istio: { config: configPath(fieldOf(rule.owner, '')), ...istio, ...(subset && { subset: subset.value.name }) },
      meshwork: meshworkOrigin(origin, policyParts(policy, owner, input)),
    },
  };
}

/** Servers outside the mesh do not know the mesh's names for protocols. */
const overridesAlpn = ({ tls }: EffectivePolicy): boolean =>
  tls?.value.mode === 'SIMPLE' || tls?.value.mode === 'MUTUAL';

/** Only fields of the cluster's own rule: with several rules for one host, parts of the others have no place in it. */
function policyParts(policy: EffectivePolicy, owner: Config<unknown>, { subset }: ClusterInput): OriginParts {
  const placed = (block: PolicyBlock<unknown> | undefined): string | undefined =>
    block?.owner === owner ? block.path : undefined;
  return {
    subset: subset?.path,
    lb_policy: placed(policy.loadBalancer),
    outlier_detection: placed(policy.outlierDetection),
    transport_socket: placed(policy.tls),
    ...poolParts(policy.connectionPool, placed(policy.connectionPool)),
  };
}

function poolParts(pool: PolicyBlock<ConnectionPoolSettings> | undefined, path: string | undefined): OriginParts {
  if (pool === undefined || path === undefined) return {};
  const parts = Object.entries(POOL_PARTS).map(([part, [group, field]]) => {
    const settings = pool.value[group] as Readonly<Record<string, unknown>> | undefined;
    return [part, settings?.[field] === undefined ? undefined : `${path}.${group}.${field}`];
  });
  return { circuit_breakers: path, ...Object.fromEntries(parts) };
}
