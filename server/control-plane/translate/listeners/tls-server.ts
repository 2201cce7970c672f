import { type Any, extensionTypes, type TransportSocket } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { knownCiphers } from '../../snapshot/cipher-suites.ts';
import type { ServerTlsSettings } from '../../snapshot/istio-types.ts';
import { credentialSecret, SDS_CERTIFICATE, SDS_ROOTS, sdsSecret } from '../sds.ts';

/** What Istio accepts below TLS 1.3, which chooses for itself. */
const CIPHERS = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];

/**
 * A sidecar's side of mTLS: its own certificate, and clients must show one of the mesh's trust domains. `exchangeAlpn`: how proxies agree to
 * introduce themselves, where the bytes inside are no HTTP.
 */
export function mutualTlsSocket(mesh: MeshConfig, exchangeAlpn: readonly string[]): TransportSocket {
  const { minProtocolVersion, cipherSuites } = mesh.meshMTLS ?? {};
  const domains = mesh.features.anyTrustDomain ? [] : [mesh.trustDomain, ...(mesh.trustDomainAliases ?? [])];
  return serverSocket({
    '@type': extensionTypes.downstreamTls,
    common_tls_context: {
      tls_params: {
        tls_minimum_protocol_version: protocolVersion(minProtocolVersion) ?? 'TLSv1_2',
        tls_maximum_protocol_version: 'TLSv1_3',
        cipher_suites: cipherSuites?.length ? [...cipherSuites] : CIPHERS,
      },
      alpn_protocols: [...exchangeAlpn, 'h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [sdsSecret(SDS_CERTIFICATE)],
      combined_validation_context: {
        default_validation_context: {
          ...(domains.length > 0 && {
            match_subject_alt_names: domains.map((domain) => ({ prefix: `spiffe://${domain}/` })),
          }),
        },
        validation_context_sds_secret_config: sdsSecret(SDS_ROOTS),
      },
    },
    require_client_certificate: true,
  });
}

/** `TLSV1_3` as Envoy writes it; undefined for TLS_AUTO. */
const protocolVersion = (name: string | undefined): string | undefined =>
  name === undefined || name === 'TLS_AUTO' ? undefined : name.replace('TLSV1', 'TLSv1');

/** A gateway's side of TLS, with the certificate that the learner's server names. Source: BuildListenerTLSContext in istio pilot. */
export function gatewayTlsSocket(
  tls: ServerTlsSettings,
  mesh: MeshConfig,
  exchangeAlpn: readonly string[] = [],
): TransportSocket {
  const isMesh = tls.mode === 'ISTIO_MUTUAL';
  const params = isMesh ? {} : tlsParams(tls, mesh);
  return serverSocket({
    '@type': extensionTypes.downstreamTls,
    common_tls_context: {
      ...(Object.keys(params).length > 0 && { tls_params: params }),
      alpn_protocols: [...(isMesh ? exchangeAlpn : []), 'h2', 'http/1.1'],
      ...(isMesh ? meshSecrets(tls) : namedSecrets(tls)),
    },
    require_client_certificate: tls.mode === 'MUTUAL' || isMesh,
  });
}

/** The server's own limits over the mesh's. */
function tlsParams(tls: ServerTlsSettings, { tlsDefaults }: MeshConfig): Record<string, unknown> {
  const ciphers = knownCiphers(tls.cipherSuites ?? []);
  const chosen = ciphers.length > 0 ? ciphers : (tlsDefaults?.cipherSuites ?? []);
  const minimum = protocolVersion(tls.minProtocolVersion) ?? protocolVersion(tlsDefaults?.minProtocolVersion);
  const maximum = protocolVersion(tls.maxProtocolVersion);
  return {
    ...(minimum && { tls_minimum_protocol_version: minimum }),
    ...(maximum && { tls_maximum_protocol_version: maximum }),
    ...(chosen.length > 0 && { cipher_suites: [...chosen] }),
    ...(tlsDefaults?.ecdhCurves?.length && { ecdh_curves: [...tlsDefaults.ecdhCurves] }),
  };
}

const exactNames = (names: readonly string[] | undefined): Record<string, unknown> =>
  names?.length ? { match_subject_alt_names: names.map((exact) => ({ exact })) } : {};

/** What a client's certificate must satisfy beyond its issuer. */
const demands = (tls: ServerTlsSettings, { pinned }: { readonly pinned: boolean }): Record<string, unknown> => ({
  ...exactNames(tls.subjectAltNames),
  ...(pinned && tls.verifyCertificateSpki?.length && { verify_certificate_spki: [...tls.verifyCertificateSpki] }),
  ...(pinned && tls.verifyCertificateHash?.length && { verify_certificate_hash: [...tls.verifyCertificateHash] }),
  ...(!pinned && tls.caCrl && { crl: { filename: tls.caCrl } }),
  ...(tls.insecureSkipVerify === true && { trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
});

/** The workload's own certificate and the mesh's roots. */
const meshSecrets = (tls: ServerTlsSettings): Record<string, unknown> => ({
  tls_certificate_sds_secret_configs: [sdsSecret(SDS_CERTIFICATE)],
  combined_validation_context: {
    default_validation_context: demands(tls, { pinned: false }),
    validation_context_sds_secret_config: sdsSecret(SDS_ROOTS),
  },
});

function namedSecrets(tls: ServerTlsSettings): Record<string, unknown> {
  const { credentialName, credentialNames = [] } = tls;
  return credentialName || credentialNames.length > 0 ? credentials(tls) : files(tls);
}

const verifiesClients = ({ mode }: ServerTlsSettings): boolean => mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL';

/** Secrets that the control plane serves. Roots come with the first of them, or by a name of their own. */
function credentials(tls: ServerTlsSettings): Record<string, unknown> {
  const names = tls.credentialNames?.length ? tls.credentialNames : [tls.credentialName ?? ''];
  const roots = tls.caCertCredentialName
    ? credentialSecret(tls.caCertCredentialName)
    : credentialSecret(names[0] ?? '', '-cacert');
  const own = { tls_certificate_sds_secret_configs: names.map((name) => credentialSecret(name)) };
  if (!verifiesClients(tls)) {
    return tls.subjectAltNames?.length ? { ...own, validation_context: exactNames(tls.subjectAltNames) } : own;
  }
  return {
    ...own,
    combined_validation_context: {
      default_validation_context: demands(tls, { pinned: true }),
      validation_context_sds_secret_config: roots,
    },
  };
}

/** Certificates in the gateway's own files. */
function files(tls: ServerTlsSettings): Record<string, unknown> {
  const pairs = tls.tlsCertificates?.length ? tls.tlsCertificates : [tls];
  const own = {
    tls_certificate_sds_secret_configs: pairs.map(({ serverCertificate, privateKey }) =>
      sdsSecret(serverCertificate && privateKey ? `file-cert:${serverCertificate}~${privateKey}` : SDS_CERTIFICATE),
    ),
  };
  if (!verifiesClients(tls)) return own;
  return {
    ...own,
    combined_validation_context: {
      default_validation_context: demands(tls, { pinned: false }),
      validation_context_sds_secret_config: sdsSecret(
        tls.caCertificates ? `file-root:${tls.caCertificates}` : SDS_ROOTS,
      ),
    },
  };
}

const serverSocket = (typed_config: Any): TransportSocket => ({ name: 'envoy.transport_sockets.tls', typed_config });
