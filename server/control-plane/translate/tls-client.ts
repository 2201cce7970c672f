import { type Any, extensionTypes, type TransportSocket } from '#xds';
import type { ClientTlsSettings } from '../snapshot/istio-types.ts';
import type { IstioCluster } from './envoy-types.ts';
import { SDS_CERTIFICATE, SDS_ROOTS, sdsSecret } from './sds.ts';

const TLS_SOCKET = 'envoy.transport_sockets.tls';

export interface ClientTlsInput {
  /** The rule's own settings; undefined leaves the choice to auto mTLS. */
  readonly settings: ClientTlsSettings | undefined;
  /** Whether mTLS may be chosen by endpoint: meshConfig.enableAutoMtls, and the service's namespace does not disable mTLS. */
  readonly autoMtls: boolean;
  /** `outbound_.9080_.v1_.reviews.default.svc.cluster.local` */
  readonly sni: string;
  /** SPIFFE ids of the service's accounts. */
  readonly identities: readonly string[];
  readonly http2: boolean;
}

type TlsFields = Pick<IstioCluster, 'transport_socket' | 'transport_socket_matches'>;

/**
 * How connections of a cluster are secured. With auto mTLS each endpoint is reached as it is able to: those whose metadata says
 * `tlsMode: istio` by mTLS, the others in plaintext. Source: cluster_tls.go in istio pilot.
 */
export function translateClientTls(input: ClientTlsInput): TlsFields {
  const { settings } = input;
  if (settings?.mode === undefined) return input.autoMtls ? autoMtls(input) : {};
  switch (settings.mode) {
    case 'ISTIO_MUTUAL':
      return { transport_socket: istioMutual(input) };
    case 'SIMPLE':
    case 'MUTUAL':
      return { transport_socket: ownTls(settings, input.http2) };
    default:
      return {};
  }
}

const autoMtls = (input: ClientTlsInput): TlsFields => ({
  transport_socket_matches: [
    { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: istioMutual(input) },
    {
      name: 'tlsMode-disabled',
      match: {},
      transport_socket: {
        name: 'envoy.transport_sockets.raw_buffer',
        typed_config: { '@type': extensionTypes.rawBuffer },
      },
    },
  ],
});

function istioMutual({ settings, sni, identities, http2 }: ClientTlsInput): TransportSocket {
  return tlsSocket({
    '@type': extensionTypes.upstreamTls,
    common_tls_context: {
      tls_params: TLS_VERSIONS,
      alpn_protocols: http2 ? ['istio-peer-exchange', 'istio', 'h2'] : ['istio-peer-exchange', 'istio'],
      tls_certificate_sds_secret_configs: [sdsSecret(SDS_CERTIFICATE)],
      combined_validation_context: {
        default_validation_context: exactNames(settings?.subjectAltNames ?? identities),
        validation_context_sds_secret_config: sdsSecret(SDS_ROOTS),
      },
    },
    sni: settings?.sni || sni,
  });
}

/** TLS that the learner's rule asks for, to a server with certificates of its own. */
function ownTls(settings: ClientTlsSettings, http2: boolean): TransportSocket {
  const { credentialName, clientCertificate, privateKey, caCertificates, subjectAltNames = [], sni } = settings;
  const roots = credentialName ? `kubernetes://${credentialName}-cacert` : `file-root:${caCertificates || 'system'}`;
  const certificate = credentialName
    ? `kubernetes://${credentialName}`
    : `file-cert:${clientCertificate ?? ''}~${privateKey ?? ''}`;
  return tlsSocket({
    '@type': extensionTypes.upstreamTls,
    common_tls_context: {
      tls_params: TLS_VERSIONS,
      ...(http2 && { alpn_protocols: ['h2'] }),
      ...(settings.mode === 'MUTUAL' && { tls_certificate_sds_secret_configs: [sdsSecret(certificate)] }),
      ...(settings.insecureSkipVerify === true
        ? { validation_context: {} }
        : {
            combined_validation_context: {
              default_validation_context: exactNames(subjectAltNames),
              validation_context_sds_secret_config: sdsSecret(roots),
            },
          }),
    },
    ...(sni && { sni }),
  });
}

const TLS_VERSIONS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };

const exactNames = (names: readonly string[]): Record<string, unknown> =>
  names.length === 0 ? {} : { match_subject_alt_names: names.map((exact) => ({ exact })) };

const tlsSocket = (typed_config: Any): TransportSocket => ({ name: TLS_SOCKET, typed_config });
