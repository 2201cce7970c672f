import { type Any, extensionTypes, type TransportSocket } from '#xds';
import type { MeshConfig } from '../doors.ts';
import type { ServerTlsSettings } from '../snapshot/istio-types.ts';
import { SDS_CERTIFICATE, SDS_ROOTS, sdsSecret } from './sds.ts';

/** What Istio accepts below TLS 1.3, which chooses for itself. */
const CIPHERS = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];

const TLS_PARAMS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };

/** A sidecar's side of mTLS: its own certificate, and clients must show one of the mesh's trust domain. */
export function mutualTlsSocket(mesh: MeshConfig, kind: 'http' | 'tcp'): TransportSocket {
  return serverSocket({
    '@type': extensionTypes.downstreamTls,
    common_tls_context: {
      tls_params: { ...TLS_PARAMS, cipher_suites: CIPHERS },
      alpn_protocols: kind === 'http' ? ['h2', 'http/1.1'] : ['istio-peer-exchange', 'h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [sdsSecret(SDS_CERTIFICATE)],
      combined_validation_context: {
        default_validation_context: { match_subject_alt_names: [{ prefix: `spiffe://${mesh.trustDomain}/` }] },
        validation_context_sds_secret_config: sdsSecret(SDS_ROOTS),
      },
    },
    require_client_certificate: true,
  });
}

/** A gateway's side of TLS, with the certificate that the learner's server names. */
export function gatewayTlsSocket(tls: ServerTlsSettings, mesh: MeshConfig): TransportSocket {
  const verifiesClients = ['MUTUAL', 'OPTIONAL_MUTUAL', 'ISTIO_MUTUAL'].includes(tls.mode ?? '');
  const names = (tls.subjectAltNames ?? []).map((exact) => ({ exact }));
  const isMesh = tls.mode === 'ISTIO_MUTUAL';
  const { certificate, roots } = secretNames(tls, isMesh);
  const matched = isMesh && names.length === 0 ? [{ prefix: `spiffe://${mesh.trustDomain}/` }] : names;
  return serverSocket({
    '@type': extensionTypes.downstreamTls,
    common_tls_context: {
      tls_params: TLS_PARAMS,
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [sdsSecret(certificate)],
      ...(verifiesClients && {
        combined_validation_context: {
          default_validation_context: matched.length === 0 ? {} : { match_subject_alt_names: matched },
          validation_context_sds_secret_config: sdsSecret(roots),
        },
      }),
    },
    require_client_certificate: verifiesClients && tls.mode !== 'OPTIONAL_MUTUAL',
  });
}

function secretNames(tls: ServerTlsSettings, isMesh: boolean): { certificate: string; roots: string } {
  if (isMesh) return { certificate: SDS_CERTIFICATE, roots: SDS_ROOTS };
  if (tls.credentialName) {
    return { certificate: `kubernetes://${tls.credentialName}`, roots: `kubernetes://${tls.credentialName}-cacert` };
  }
  return {
    certificate: `file-cert:${tls.serverCertificate ?? ''}~${tls.privateKey ?? ''}`,
    roots: `file-root:${tls.caCertificates ?? ''}`,
  };
}

const serverSocket = (typed_config: Any): TransportSocket => ({ name: 'envoy.transport_sockets.tls', typed_config });
