import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { readDuration } from '../rules/values.ts';

/** Fields by what they hold. */
interface Shape {
  readonly number: string;
  readonly duration: string;
  readonly string: string;
  readonly boolean: string;
  readonly object: string;
  readonly list: string;
  readonly enums: Readonly<Record<string, string>>;
}

/** Istio's MeshConfig. */
export const MESH_SHAPE: Shape = {
  number: 'proxyListenPort proxyInboundListenPort proxyHttpPort',
  duration: 'connectTimeout hboneIdleTimeout protocolDetectionTimeout dnsRefreshRate',
  string:
    'ingressClass ingressService ingressSelector accessLogFile accessLogFormat trustDomain rootNamespace inboundClusterStatName ' +
    'outboundClusterStatName',
  boolean:
    'enableTracing enableEnvoyAccessLogService disableEnvoyListenerLog enableAutoMtls enablePrometheusMerge verifyCertificateAtClient',
  object:
    'tcpKeepalive defaultConfig outboundTrafficPolicy inboundTrafficPolicy localityLbSetting zoneAwareLbSetting ca defaultProviders ' +
    'pathNormalization defaultHttpRetryPolicy meshMTLS tlsDefaults defaultTrafficPolicy serviceEntryVisibility',
  list:
    'configSources trustDomainAliases caCertificates defaultServiceExportTo defaultVirtualServiceExportTo ' +
    'defaultDestinationRuleExportTo certificates serviceSettings serviceScopeConfigs extensionProviders discoverySelectors',
  enums: {
    ingressControllerMode: 'UNSPECIFIED OFF DEFAULT STRICT',
    h2UpgradePolicy: 'DO_NOT_UPGRADE UPGRADE',
    accessLogEncoding: 'TEXT JSON',
  },
};

/** ProxyConfig, as `defaultConfig` holds it. */
export const PROXY_SHAPE: Shape = {
  number: 'proxyAdminPort statNameLength concurrency statusPort fileFlushMinSizeKb',
  duration: 'drainDuration discoveryRefreshDelay terminationDrainDuration fileFlushInterval',
  string:
    'configPath binaryPath serviceCluster discoveryAddress zipkinAddress statsdUdpAddress envoyMetricsServiceAddress availabilityZone ' +
    'customConfigFile proxyBootstrapTemplatePath meshId',
  boolean: 'holdApplicationUntilProxyStarts statsCompression',
  object:
    'tracing sds envoyAccessLogService envoyMetricsService proxyMetadata runtimeValues gatewayTopology readinessProbe proxyStatsMatcher ' +
    'image privateKeyProvider proxyHeaders connectionSettings',
  list: 'extraStatTags caCertificatesPem',
  enums: {
    tracingServiceName: 'APP_LABEL_AND_NAMESPACE CANONICAL_NAME_ONLY CANONICAL_NAME_AND_NAMESPACE',
    controlPlaneAuthPolicy: 'NONE MUTUAL_TLS INHERIT',
    interceptionMode: 'REDIRECT TPROXY NONE',
  },
};

/** Protobuf JSON takes numbers in quotes as well. */
const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value)),
  duration: (value) => typeof value === 'string',
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && !Array.isArray(value),
  list: Array.isArray,
};

/** Values of another type than their field's, which keep istiod from reading the whole text. Unknown fields are passed over, as istiod does. */
export function checkShape(root: Field, { enums, ...types }: Shape, findings: Findings): void {
  for (const [type, names] of Object.entries(types)) {
    for (const name of names.split(' ')) {
      const field = root.get(name);
      if (!field.exists) continue;
      if (!FITS[type]?.(field.value)) {
        findings.reject(field, `failed to convert to proto. ${name} must be of type ${type}`, `Give a ${type}.`);
      } else if (type === 'duration') readDuration(field, findings);
    }
  }
  for (const [name, values] of Object.entries(enums)) {
    const field = root.get(name);
    const known =
      field.text === '' ? !field.exists || typeof field.value === 'number' : values.split(' ').includes(field.text);
    if (known) continue;
    const message = `failed to convert to proto. unknown value "${String(field.value)}" for ${name}`;
    findings.reject(field, message, `Use one of ${values.replaceAll(' ', ', ')}.`);
  }
}
