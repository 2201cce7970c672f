/** The number fields of MeshConfig and of what it holds, wherever they stand. Source: mesh/v1alpha1 in istio api. */
const NUMBER_FIELDS: ReadonlySet<string> = new Set(
  (
    'proxyListenPort proxyInboundListenPort proxyHttpPort proxyAdminPort statusPort concurrency statNameLength fileFlushMinSizeKb ' +
    'port sampling maxTagLength maxPathTagLength maxRequestBytes numTrustedProxies attempts minClusterSize ' +
    'probes maxConnections http1MaxPendingRequests http2MaxRequests maxRequestsPerConnection maxRetries maxConcurrentStreams ' +
    'consecutive5xxErrors consecutiveGatewayErrors consecutiveLocalOriginFailures maxEjectionPercent minHealthPercent'
  ).split(' '),
);

/** Maps whose names are the reader's own. */
const OWN_NAMES: ReadonlySet<string> = new Set(['proxyMetadata', 'runtimeValues', 'labels']);

/** Protobuf JSON takes a number in quotes for a number (`port: "9000"`, as Istio's guides write it): such texts become numbers. */
export function unquoteNumbers<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(unquoteNumbers) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]): [string, unknown] => {
    if (OWN_NAMES.has(name)) return [name, each];
    const quoted = NUMBER_FIELDS.has(name) && typeof each === 'string' && /^-?\d+(?:\.\d+)?$/.test(each);
    return [name, quoted ? Number(each) : unquoteNumbers(each)];
  });
  return Object.fromEntries(entries) as Value;
}
