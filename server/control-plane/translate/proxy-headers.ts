import type { HttpConnectionManager } from '#xds';
import type { MeshConfig } from '../doors.ts';

interface Toggle {
  readonly disabled?: boolean;
}

/** ProxyConfig's `proxyHeaders`. Source: istio/api mesh/v1alpha1/proxy.proto. */
interface ProxyHeadersSpec {
  readonly forwardedClientCert?: string;
  readonly setCurrentClientCertDetails?: Readonly<
    Record<'subject' | 'cert' | 'chain' | 'dns' | 'uri', boolean | undefined>
  >;
  readonly requestId?: Toggle;
  readonly server?: Toggle & { readonly value?: string };
  readonly attemptCount?: Toggle;
  readonly envoyDebugHeaders?: Toggle;
  readonly metadataExchangeHeaders?: { readonly mode?: 'UNDEFINED' | 'IN_MESH' };
  readonly xForwardedPort?: { readonly enabled?: boolean };
  readonly xForwardedHost?: { readonly enabled?: boolean };
  readonly preserveHttp1HeaderCase?: boolean;
}

const specOf = ({ defaultConfig }: MeshConfig): ProxyHeadersSpec =>
  (defaultConfig?.proxyHeaders ?? {}) as ProxyHeadersSpec;

/** Whether requests tell upstream how often they were tried. */
export const countsAttempts = (mesh: MeshConfig): boolean => specOf(mesh).attemptCount?.disabled !== true;

/** Whether rewritten requests keep their first host in a header. */
export const keepsHost = (mesh: MeshConfig): boolean => specOf(mesh).xForwardedHost?.enabled === true;

/** Whether responses go without Envoy's own `x-envoy-…` headers. */
export const hidesDebugHeaders = (mesh: MeshConfig): boolean => specOf(mesh).envoyDebugHeaders?.disabled === true;

/** Whether workload metadata travel in headers only between proxies of the mesh. */
export const exchangesInMesh = (mesh: MeshConfig): boolean => specOf(mesh).metadataExchangeHeaders?.mode === 'IN_MESH';

const PRESERVE_CASE = {
  stateful_formatter: {
    name: 'preserve_case',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    },
  },
};

/** HTTP/1 options that keep the letters of header names as they came, where the mesh wants that. */
export const headerCase = (mesh: MeshConfig): { readonly header_key_format?: object } =>
  specOf(mesh).preserveHttp1HeaderCase === true ? { header_key_format: PRESERVE_CASE } : {};

/**
 * The part of a connection manager that the mesh's `proxyHeaders` decide. Outbound keeps Envoy's own `server: envoy`, the other two
 * answer as `istio-envoy`; gateways have a setting of their own for client certificates. Source: GetProxyHeaders in istio pilot.
 */
export function serverHeaders(
  mesh: MeshConfig,
  side: 'outbound' | 'inbound' | 'gateway',
): Partial<HttpConnectionManager> {
  const { server, requestId, xForwardedPort } = specOf(mesh);
  const name = server?.value || (side === 'outbound' ? '' : 'istio-envoy');
  return {
    ...(server?.disabled === true
      ? { server_header_transformation: 'PASS_THROUGH' as const }
      : name !== '' && { server_name: name }),
    ...(requestId?.disabled === true && { generate_request_id: false }),
    ...(xForwardedPort?.enabled === true && { append_x_forwarded_port: true }),
    ...(side === 'inbound' && clientCertificate(mesh)),
  };
}

/** What a sidecar tells its application of the client's certificate. */
function clientCertificate(mesh: MeshConfig): Partial<HttpConnectionManager> {
  const { forwardedClientCert, setCurrentClientCertDetails: details } = specOf(mesh);
  const forwards = forwardedClientCert === undefined || forwardedClientCert === 'UNDEFINED';
  const mode = forwards ? 'APPEND_FORWARD' : forwardedClientCert;
  return {
    ...(mode !== 'SANITIZE' && { forward_client_cert_details: mode as 'APPEND_FORWARD' }),
    set_current_client_cert_details: {
      subject: details?.subject ?? true,
      ...(details?.cert === true && { cert: true }),
      ...(details?.chain === true && { chain: true }),
      ...((details?.dns ?? true) && { dns: true }),
      ...((details?.uri ?? true) && { uri: true }),
    },
  };
}
