/** What istiod's environment switches on and off. Source: istio/pilot/pkg/features. */
export interface PilotFeatures {
  /** PILOT_ENABLE_PERSISTENT_SESSION_FILTER: labels of Services keep sessions at their endpoint. */
  readonly persistentSessions: boolean;
  /** PILOT_ENABLE_IP_AUTOALLOCATE: ServiceEntries without addresses are given some. */
  readonly allocatesAddresses: boolean;
  /** PILOT_ENABLE_ALPHA_GATEWAY_API: XBackendTrafficPolicies are read. */
  readonly alphaGatewayApi: boolean;
  /** ENABLE_TLS_ON_SIDECAR_INGRESS: the `tls` of a Sidecar's ingress ends TLS of clients outside of the mesh. */
  readonly sidecarIngressTls: boolean;
  /** PILOT_HTTP10: every proxy serves requests of HTTP/1.0, and takes them for HTTP where it looks. */
  readonly acceptsHttp10: boolean;
  /** PILOT_SIDECAR_USE_REMOTE_ADDRESS: sidecars tell servers of the client's address (X-Forwarded-For), too. */
  readonly sidecarsUseRemoteAddress: boolean;
  /** PILOT_SKIP_VALIDATE_TRUST_DOMAIN: servers take clients of any trust domain whose certificates they trust. */
  readonly anyTrustDomain: boolean;
}

/** As istiod is without any variable. */
export const DEFAULT_FEATURES: PilotFeatures = Object.freeze({
  persistentSessions: false,
  allocatesAddresses: true,
  alphaGatewayApi: false,
  sidecarIngressTls: false,
  acceptsHttp10: false,
  sidecarsUseRemoteAddress: false,
  anyTrustDomain: false,
});

export const readFeatures = (env: Readonly<Record<string, string>>): PilotFeatures => ({
  persistentSessions: flag(env['PILOT_ENABLE_PERSISTENT_SESSION_FILTER'], DEFAULT_FEATURES.persistentSessions),
  allocatesAddresses: flag(env['PILOT_ENABLE_IP_AUTOALLOCATE'], DEFAULT_FEATURES.allocatesAddresses),
  alphaGatewayApi: flag(env['PILOT_ENABLE_ALPHA_GATEWAY_API'], DEFAULT_FEATURES.alphaGatewayApi),
  sidecarIngressTls: flag(env['ENABLE_TLS_ON_SIDECAR_INGRESS'], DEFAULT_FEATURES.sidecarIngressTls),
  acceptsHttp10: flag(env['PILOT_HTTP10'], DEFAULT_FEATURES.acceptsHttp10),
  sidecarsUseRemoteAddress: flag(env['PILOT_SIDECAR_USE_REMOTE_ADDRESS'], DEFAULT_FEATURES.sidecarsUseRemoteAddress),
  anyTrustDomain: flag(env['PILOT_SKIP_VALIDATE_TRUST_DOMAIN'], DEFAULT_FEATURES.anyTrustDomain),
});

const YES = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const NO = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** The spellings of true that Go's strconv.ParseBool takes. */
export const isTrue = (text: string | undefined): boolean => text !== undefined && YES.has(text);

/** As Go's strconv.ParseBool; what it cannot read leaves the default. */
function flag(text: string | undefined, standard: boolean): boolean {
  if (text === undefined) return standard;
  if (YES.has(text)) return true;
  return NO.has(text) ? false : standard;
}
