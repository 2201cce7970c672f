import type { ProxyNode } from '#xds';

/** What of a node's metadata istiod keeps. Source: model.NodeMetadata in istio pkg/model/proxy.go. */
const KEPT: ReadonlySet<string> = new Set(
  (
    'PROXY_CONFIG ISTIO_VERSION ISTIO_REVISION LABELS STATIC_LABELS ANNOTATIONS INSTANCE_IPS NAMESPACE NODE_NAME WORKLOAD_NAME ' +
    'INTERCEPTION_MODE SERVICE_ACCOUNT HTTP_PROXY_PORT MESH_ID CLUSTER_ID NETWORK REQUESTED_NETWORK_VIEW POD_PORTS ' +
    'TLS_SERVER_CERT_CHAIN TLS_SERVER_KEY TLS_SERVER_ROOT_CERT TLS_CLIENT_CERT_CHAIN TLS_CLIENT_KEY TLS_CLIENT_ROOT_CERT BASE ' +
    'IDLE_TIMEOUT HTTP10 GENERATOR ENABLE_SELF_DISCOVERY DNS_CAPTURE DNS_AUTO_ALLOCATE DNS_PROXY_ADDR ENABLE_HBONE ' +
    'DISABLE_HBONE_SEND AUTO_REGISTER_GROUP WORKLOAD_ENTRY UNPRIVILEGED_POD PLATFORM_METADATA STS_PORT ENVOY_STATUS_PORT ' +
    'ENVOY_PROMETHEUS_PORT ENVOY_SECURE_METRICS_PORT ENVOY_SECURE_MERGED_METRICS_PORT EXIT_ON_ZERO_ACTIVE_CONNECTIONS ' +
    'INBOUND_LISTENER_EXACT_BALANCE OUTBOUND_LISTENER_EXACT_BALANCE CLOUDRUN_ADDR METADATA_DISCOVERY ENVOY_SKIP_DEPRECATED_LOGS ' +
    'WORKLOAD_IDENTITY_SOCKET_FILE'
  ).split(' '),
);

export const proxyMetadata = ({ metadata }: ProxyNode): object =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => KEPT.has(name)));

/** Where it says that it is, as Go writes core.Locality in JSON. */
export function proxyLocality({ locality }: ProxyNode): object {
  const { region, zone, subZone } = locality ?? {};
  return { ...(region && { region }), ...(zone && { zone }), ...(subZone && { sub_zone: subZone }) };
}

/** Labels of a proxy with those of its place. Source: AugmentLabels in istio pilot/pkg/serviceregistry/util/label. */
export function proxyLabels({ locality, metadata }: ProxyNode): object {
  const { CLUSTER_ID, LABELS, NETWORK, NODE_NAME } = metadata;
  const { region, zone, subZone } = locality ?? {};
  const place = {
    'topology.kubernetes.io/region': region,
    'topology.kubernetes.io/zone': zone,
    'topology.istio.io/subzone': subZone,
    'topology.istio.io/cluster': CLUSTER_ID,
    'kubernetes.io/hostname': NODE_NAME,
    'topology.istio.io/network': NETWORK,
  };
  return {
    ...(LABELS as object | undefined),
    ...Object.fromEntries(Object.entries(place).filter(([, value]) => value)),
  };
}
