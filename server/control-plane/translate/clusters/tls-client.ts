import { type Any, extensionTypes, type TransportSocket } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import type { ClientTlsSettings } from '../../snapshot/istio-types.ts';
import type { IstioCluster } from '../envoy-types.ts';
import { credentialSecret, SDS_CERTIFICATE, SDS_ROOTS, sdsSecret } from '../sds.ts';
import type { AutoNames } from './protocol-options.ts';

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
  /** Names that a ServiceEntry says its servers show; for TLS that is not the mesh's. */
  readonly entryNames: readonly string[];
  readonly http2: boolean;
  /** Names by which the proxy agrees to introduce itself. */
  readonly exchangeAlpn: readonly string[];
  /** Hosts are looked up by the names that requests ask for: a connection asks for that name, and accepts no other. */
  readonly dynamic: boolean;
  /** Secrets of the control plane may be named: a gateway, or a rule that selects the workloads it is for. */
  readonly mayNameSecrets: boolean;
  readonly mesh: MeshConfig;
}

export interface ClientTls {
  readonly socket?: TransportSocket;
  /** Only to endpoints whose metadata say that they can: auto mTLS. */
  readonly byEndpoint: boolean;
  readonly names: AutoNames;
}

/**
 * How connections of a cluster are secured. With auto mTLS each endpoint is reached as it is able to: those whose metadata says
 * `tlsMode: istio` by mTLS, the others in plaintext. Source: cluster_tls.go in istio pilot.
 */
export function translateClientTls(input: ClientTlsInput): ClientTls {
  const { settings } = input;
  if (settings === undefined) {
    return input.autoMtls
      ? { socket: istioMutual(input), byEndpoint: true, names: dynamicNames(input) }
      : { byEndpoint: false, names: {} };
  }
  switch (settings.mode) {
    case 'ISTIO_MUTUAL':
      return { socket: istioMutual(input), byEndpoint: false, names: dynamicNames(input) };
    case 'SIMPLE':
    case 'MUTUAL':
      return ownTls(settings, input);
    default:
      return { byEndpoint: false, names: {} };
  }
}

/** The fields of a cluster. Endpoints of an ORIGINAL_DST cluster have no metadata to match: it is mTLS for all of them or for none. */
export function tlsFields(
  { socket, byEndpoint }: ClientTls,
  isOriginalDst: boolean,
): Pick<IstioCluster, 'transport_socket' | 'transport_socket_matches'> {
  if (socket === undefined) return {};
  if (!byEndpoint || isOriginalDst) return { transport_socket: socket };
  return {
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: socket },
      { name: 'tlsMode-disabled', match: {}, transport_socket: RAW_BUFFER },
    ],
  };
}

export const RAW_BUFFER: TransportSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': extensionTypes.rawBuffer },
};

function istioMutual(input: ClientTlsInput): TransportSocket {
  const { settings, identities, http2, exchangeAlpn } = input;
  const sni = settings?.sni || (input.dynamic ? '' : input.sni);
  return tlsSocket({
    '@type': extensionTypes.upstreamTls,
    common_tls_context: {
      tls_params: TLS_VERSIONS,
      alpn_protocols: [...exchangeAlpn, 'istio', ...(http2 ? ['h2'] : [])],
      tls_certificate_sds_secret_configs: [sdsSecret(SDS_CERTIFICATE)],
      combined_validation_context: {
        default_validation_context: exactNames(
          settings?.subjectAltNames?.length ? settings.subjectAltNames : identities,
        ),
        validation_context_sds_secret_config: sdsSecret(SDS_ROOTS),
      },
    },
    ...(sni && { sni }),
  });
}

/** TLS that the learner's rule asks for, to a server with certificates of its own. */
function ownTls(settings: ClientTlsSettings, input: ClientTlsInput): ClientTls {
  const { credentialName, clientCertificate, privateKey, sni } = settings;
  const isMutual = settings.mode === 'MUTUAL';
  const none: ClientTls = { byEndpoint: false, names: {} };
  if (credentialName && !credentialName.startsWith('configmap://') && !input.mayNameSecrets) return none;
  if (isMutual && !credentialName && !(clientCertificate && privateKey))
    return { ...none, names: autoNames(settings, input) };
  const { tlsDefaults } = input.mesh;
  const socket = tlsSocket({
    '@type': extensionTypes.upstreamTls,
    common_tls_context: {
      tls_params: {
        ...TLS_VERSIONS,
        ...(tlsDefaults?.cipherSuites?.length && { cipher_suites: [...tlsDefaults.cipherSuites] }),
        ...(tlsDefaults?.ecdhCurves?.length && { ecdh_curves: [...tlsDefaults.ecdhCurves] }),
      },
      ...(input.http2 && { alpn_protocols: ['h2'] }),
      ...(isMutual && {
        tls_certificate_sds_secret_configs: [
          credentialName
            ? credentialSecret(credentialName)
            : sdsSecret(`file-cert:${clientCertificate ?? ''}~${privateKey ?? ''}`),
        ],
      }),
      ...validation(settings, input.entryNames),
    },
    ...(sni && { sni }),
  });
  return { socket, byEndpoint: false, names: autoNames(settings, input) };
}

function validation(settings: ClientTlsSettings, entryNames: readonly string[]): Record<string, unknown> {
  const { credentialName, caCertificates, subjectAltNames = [], insecureSkipVerify, caCrl } = settings;
  if (insecureSkipVerify === true) return credentialName ? {} : { validation_context: {} };
  const names = exactNames(subjectAltNames.length > 0 ? subjectAltNames : entryNames);
  return {
    combined_validation_context: {
      default_validation_context: { ...names, ...(caCrl && !credentialName && { crl: { filename: caCrl } }) },
      validation_context_sds_secret_config: credentialName
        ? credentialSecret(credentialName, '-cacert')
        : sdsSecret(`file-root:${caCertificates || 'system'}`),
    },
  };
}

const dynamicNames = (input: ClientTlsInput): AutoNames =>
  input.dynamic ? autoNames(input.settings ?? {}, input) : {};

/** Without a name of its own, a connection asks for the request's host and accepts that name alone. */
function autoNames(
  { sni, subjectAltNames = [], insecureSkipVerify }: ClientTlsSettings,
  { dynamic }: ClientTlsInput,
): AutoNames {
  const validates = insecureSkipVerify !== true && (dynamic || (!sni && subjectAltNames.length === 0));
  return { ...(!sni && { auto_sni: true as const }), ...(validates && { auto_san_validation: true as const }) };
}

const TLS_VERSIONS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };

const exactNames = (names: readonly string[]): Record<string, unknown> =>
  names.length === 0 ? {} : { match_subject_alt_names: names.map((exact) => ({ exact })) };

const tlsSocket = (typed_config: Any): TransportSocket => ({ name: TLS_SOCKET, typed_config });
