import type { LabelSelector } from '#domain';
import type { HttpRetry, LocalityLbSetting, PolicyBlocks, TcpKeepalive, ZoneAwareLbSetting } from './istio-types.ts';
import type { TagSource } from './telemetries.ts';

/** Fields of MeshConfig that have no default of their own, in the form of the YAML. */
export interface MeshOptions {
  readonly inboundTrafficPolicy?: { readonly mode?: 'PASSTHROUGH' | 'LOCALHOST' };
  readonly protocolDetectionTimeout?: string;
  readonly tcpKeepalive?: TcpKeepalive;
  readonly h2UpgradePolicy?: 'DO_NOT_UPGRADE' | 'UPGRADE';
  readonly defaultServiceExportTo?: readonly string[];
  readonly defaultVirtualServiceExportTo?: readonly string[];
  readonly defaultDestinationRuleExportTo?: readonly string[];
  readonly localityLbSetting?: LocalityLbSetting;
  readonly zoneAwareLbSetting?: ZoneAwareLbSetting;
  /** Which namespaces istiod looks at; absent or empty: all. */
  readonly discoverySelectors?: readonly LabelSelector[];
  readonly ingressClass?: string;
  readonly ingressControllerMode?: 'UNSPECIFIED' | 'OFF' | 'DEFAULT' | 'STRICT';
  readonly ingressService?: string;
  readonly ingressSelector?: string;
  readonly serviceSettings?: readonly {
    readonly settings?: { readonly clusterLocal?: boolean };
    readonly hosts?: readonly string[];
  }[];
  readonly defaultHttpRetryPolicy?: HttpRetry;
  /** What a DestinationRule that leaves the block out has. */
  readonly defaultTrafficPolicy?: Pick<PolicyBlocks, 'connectionPool' | 'outlierDetection'>;
  readonly inboundClusterStatName?: string;
  readonly outboundClusterStatName?: string;
  readonly proxyHttpPort?: number;
  readonly proxyListenPort?: number;
  readonly proxyInboundListenPort?: number;
  readonly dnsRefreshRate?: string;
  readonly verifyCertificateAtClient?: boolean;
  readonly meshMTLS?: TlsDefaults;
  readonly tlsDefaults?: TlsDefaults;
  readonly enableTracing?: boolean;
  readonly disableEnvoyListenerLog?: boolean;
  readonly enableEnvoyAccessLogService?: boolean;
  /** ProxyConfig that holds for the whole mesh. */
  readonly defaultConfig?: DefaultProxyConfig;
}

export interface TlsDefaults {
  readonly minProtocolVersion?: string;
  readonly cipherSuites?: readonly string[];
  readonly ecdhCurves?: readonly string[];
}

export interface DefaultProxyConfig {
  readonly tracing?: {
    readonly sampling?: number;
    readonly customTags?: Readonly<Record<string, TagSource>>;
    readonly maxPathTagLength?: number;
    readonly enableIstioTags?: boolean;
  };
  readonly gatewayTopology?: {
    readonly numTrustedProxies?: number;
    readonly forwardClientCertDetails?: string;
    readonly proxyProtocol?: object;
  };
  readonly proxyHeaders?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const OPTIONS = [
  'inboundTrafficPolicy',
  'protocolDetectionTimeout',
  'tcpKeepalive',
  'h2UpgradePolicy',
  'defaultServiceExportTo',
  'defaultVirtualServiceExportTo',
  'defaultDestinationRuleExportTo',
  'localityLbSetting',
  'zoneAwareLbSetting',
  'discoverySelectors',
  'ingressClass',
  'ingressControllerMode',
  'ingressService',
  'ingressSelector',
  'serviceSettings',
  'defaultHttpRetryPolicy',
  'defaultTrafficPolicy',
  'inboundClusterStatName',
  'outboundClusterStatName',
  'proxyHttpPort',
  'proxyListenPort',
  'proxyInboundListenPort',
  'dnsRefreshRate',
  'verifyCertificateAtClient',
  'meshMTLS',
  'tlsDefaults',
  'enableTracing',
  'disableEnvoyListenerLog',
  'enableEnvoyAccessLogService',
  'defaultConfig',
] as const satisfies readonly (keyof MeshOptions)[];

/** Those of the fields that are set. */
export const pickOptions = (mesh: MeshOptions): MeshOptions =>
  Object.fromEntries(OPTIONS.filter((field) => mesh[field] !== undefined).map((field) => [field, mesh[field]]));
