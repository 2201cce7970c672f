/** Fields and values of YAML that are spelt otherwise than the term they stand for, by the term's slug. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  authorizationpolicy: ['notPrincipals', 'notNamespaces', 'notPaths'],
  'connection-pool': ['maxConnections', 'maxRequestsPerConnection', 'tcpKeepalive'],
  'consistent-hashing': ['consistentHash', 'httpHeaderName', 'httpCookie', 'useSourceIp'],
  'egress-gateway': ['egress'],
  ejection: ['baseEjectionTime', 'maxEjectionPercent'],
  'external-authorization': ['CUSTOM', 'envoyExtAuthzHttp', 'envoyExtAuthzGrpc'],
  'fault-injection': ['fault', 'delay', 'fixedDelay', 'httpStatus'],
  'header-based-routing': ['headers', 'withoutHeaders'],
  'ingress-gateway': ['gateways', 'servers'],
  jwt: ['jwtRules', 'jwksUri', 'jwks', 'fromHeaders', 'requestPrincipals'],
  'load-balancing': ['loadBalancer', 'simple'],
  locality: ['localityLbSetting'],
  'outlier-detection': ['consecutive5xxErrors', 'consecutiveGatewayErrors'],
  overflow: ['http1MaxPendingRequests', 'http2MaxRequests', 'maxRetries'],
  'panic-threshold': ['minHealthPercent'],
  'protocol-selection': ['appProtocol', 'targetPort'],
  'retry-policy': ['retryOn', 'attempts'],
  san: ['subjectAltNames'],
  'service-account': ['serviceAccountName'],
  serviceentry: ['resolution', 'MESH_EXTERNAL', 'MESH_INTERNAL'],
  'sidecar-injection': ['istio-injection', 'sidecar.istio.io/inject', 'istio.io/rev'],
  'sidecar-resource': ['Sidecar', 'workloadSelector'],
  'tls-passthrough': ['PASSTHROUGH'],
  'traffic-mirroring': ['mirror', 'mirrorPercentage', 'mirrors'],
  'traffic-shifting': ['weight'],
  'virtual-host': ['hosts'],
  mtls: ['ISTIO_MUTUAL', 'MUTUAL'],
};

/** More spellings of a term. */
export const fieldsOf = (slug: string): readonly string[] => FIELDS[slug] ?? [];

/** Slugs that the table names: a test sees that each is a word of the glossary. */
export const slugsWithFields: readonly string[] = Object.keys(FIELDS);
