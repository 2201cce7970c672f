import { extensionTypes, type TransportSocket } from '#xds';

/** What the bootstrap of Istio's agent calls the files with certificate, key and roots. */
const PROVIDER = 'default';

/** gRPC takes no other name for it. */
const TLS_SOCKET = 'envoy.transport_sockets.tls';

/**
 * TLS with certificates of the provider that the bootstrap names: gRPC asks nobody for secrets. Sources: gRFC A29;
 * buildCommonTLSContext in istio pilot grpcgen, which sends the former names of the same fields beside them.
 */
function ownCertificates(identities: readonly string[]): Readonly<Record<string, unknown>> {
  const chain = { instance_name: PROVIDER, certificate_name: 'default' };
  const roots = { instance_name: PROVIDER, certificate_name: 'ROOTCA' };
  return {
    tls_certificate_provider_instance: chain,
    tls_certificate_certificate_provider_instance: chain,
    combined_validation_context: {
      validation_context_certificate_provider_instance: roots,
      default_validation_context: {
        ca_certificate_provider_instance: roots,
        ...(identities.length > 0 && { match_subject_alt_names: identities.map((exact) => ({ exact })) }),
      },
    },
  };
}

/** To servers that prove one of these SPIFFE ids. Only channels with xDS credentials obey. */
export const grpcClientTls = (identities: readonly string[]): TransportSocket => ({
  name: TLS_SOCKET,
  typed_config: { '@type': extensionTypes.upstreamTls, common_tls_context: ownCertificates(identities) },
});

/** For clients of the mesh alone. Only servers with xDS credentials obey. */
export const grpcServerTls = (): TransportSocket => ({
  name: TLS_SOCKET,
  typed_config: {
    '@type': extensionTypes.downstreamTls,
    common_tls_context: ownCertificates([]),
    require_client_certificate: true,
  },
});
