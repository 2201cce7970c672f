import { isIP } from 'node:net';
import type { StringMatcher, TransportSocket } from '#xds';
import { extensionTypes, typeUrls } from '#xds';
import { ROOT_SECRET, SYSTEM_ROOTS, WORKLOAD_SECRET } from '../agent/secret-store.ts';
import { rankCiphers, unknownCiphers } from '../tls/cipher-suites.ts';
import type { TlsParameters, TlsVersion } from '../tls/credentials.ts';
import { readGroups } from '../tls/groups.ts';
import { type Awaited, type ConfigSource, fetchMs } from './awaited.ts';
import { checkRules, filled, required, rule } from './bounds.ts';
import { ConfigProblem } from './problem.ts';
import { compileStringMatch, type StringMatch } from './string-match.ts';
import { readNumber } from './values.ts';

/** A name by which a secret is asked for: `default` and `ROOTCA` of the agent, others (`kubernetes://…`) of the control plane. */
export interface SecretName {
  readonly sds: string;
  /** How long the control plane is waited for; absent: the agent has it. */
  readonly withinMs?: number;
}

/** Where a certificate or a trust bundle comes from: an SDS name or the text itself. */
export type CertificateSource = SecretName | { readonly chainPem: string; readonly keyPem: string };

export type TrustSource = SecretName | { readonly rootsPem: string };

/** A server's side of TLS, from DownstreamTlsContext. */
export interface DownstreamTls {
  readonly certificate: CertificateSource;
  /** Others to choose from, by the name that a client asks for and the keys that it can verify. */
  readonly furtherCertificates: readonly CertificateSource[];
  /** Undefined: peers are not verified. */
  readonly trust: TrustSource | undefined;
  readonly requireClientCertificate: boolean;
  /** A client's certificate that the roots do not vouch for is let in all the same. */
  readonly acceptUntrusted: boolean;
  readonly alpn: readonly string[];
  /** The client's certificate must carry one of these; empty: any name. */
  readonly peerNames: readonly StringMatch[];
  readonly parameters: TlsParameters;
}

/** A client's side of TLS, from UpstreamTlsContext. */
export interface UpstreamTls {
  readonly parameters: TlsParameters;
  /** How many sessions with its servers are kept to be taken up. The object is the same in all that is made of one transport socket. */
  readonly resumption: { readonly maxSessions: number };
  /** Undefined: the client shows no certificate. */
  readonly certificate: CertificateSource | undefined;
  /** Undefined: the server's certificate is not verified. */
  readonly trust: TrustSource | undefined;
  readonly sni: string;
  readonly alpn: readonly string[];
  /** The peer's certificate must carry one of these; empty: any name the trust bundle vouches for. */
  readonly peerNames: readonly StringMatch[];
  /** The one name that was asked for must be in the peer's certificate; undefined: `peerNames` alone say. */
  readonly namedPeer: string | undefined;
  /** The name asked for is that of the endpoint, where it has one. */
  readonly autoHostSni: boolean;
  /** The name asked for must be in the peer's certificate, in the place of `peerNames`. A `namedPeer` counts before it. */
  readonly autoSniSanValidation: boolean;
}

/** TLS to a server that a request names, as `auto_sni` and `auto_san_validation` say. Addresses are not asked for by SNI. */
export const tlsForName = (
  tls: UpstreamTls,
  name: string,
  { sni, san }: { readonly sni: boolean; readonly san: boolean },
): UpstreamTls => ({
  ...tls,
  ...(sni && isIP(name) === 0 && { sni: name }),
  ...(san && { namedPeer: name }),
});

/** TLS to one endpoint, as `auto_host_sni` says. */
export function tlsForHost(tls: UpstreamTls, hostname: string): UpstreamTls {
  return tls.autoHostSni && hostname !== '' && hostname !== tls.sni ? { ...tls, sni: hostname } : tls;
}

interface SdsConfig {
  readonly name: string;
  readonly sds_config?: ConfigSource;
}

interface CommonTls {
  tls_params?: {
    tls_minimum_protocol_version?: string;
    tls_maximum_protocol_version?: string;
    cipher_suites?: string[];
    ecdh_curves?: string[];
  };
  alpn_protocols?: string[];
  tls_certificate_sds_secret_configs?: SdsConfig[];
  tls_certificates?: { certificate_chain?: { inline_string?: string }; private_key?: { inline_string?: string } }[];
  validation_context?: Validation;
  validation_context_sds_secret_config?: SdsConfig;
  combined_validation_context?: {
    default_validation_context?: Validation;
    validation_context_sds_secret_config?: SdsConfig;
  };
}

interface Validation {
  trust_chain_verification?: string;
  trusted_ca?: { inline_string?: string };
  match_typed_subject_alt_names?: { san_type?: string; matcher: StringMatcher }[];
  match_subject_alt_names?: StringMatcher[];
}

/** What the control plane is asked for to secure a connection. */
export function awaitedSecrets(tls: DownstreamTls | UpstreamTls | undefined): Awaited[] {
  if (tls === undefined) return [];
  const further = 'furtherCertificates' in tls ? tls.furtherCertificates : [];
  const certificates = [tls.certificate, ...further].flatMap((source) => awaitedSecret(source, 'tls_certificate'));
  return [...certificates, ...awaitedSecret(tls.trust, 'validation_context')];
}

const awaitedSecret = (
  source: CertificateSource | TrustSource | undefined,
  secret: Awaited['secret'] & string,
): Awaited[] =>
  source !== undefined && 'sds' in source && source.withinMs !== undefined
    ? [{ typeUrl: typeUrls.secret, name: source.sds, secret, withinMs: source.withinMs }]
    : [];

/** Reads a server's transport socket; undefined for plaintext. */
export function readDownstreamTls(socket: TransportSocket | undefined): DownstreamTls | undefined {
  const config = tlsConfig(socket, extensionTypes.downstreamTls);
  if (config === undefined) return undefined;
  const common = (config['common_tls_context'] ?? {}) as CommonTls;
  const [certificate, ...furtherCertificates] = readCertificates(common);
  if (certificate === undefined)
    throw new ConfigProblem('transport_socket', 'No TLS certificates found for server context');
  return {
    certificate,
    furtherCertificates,
    trust: readTrust(common),
    requireClientCertificate: config['require_client_certificate'] === true,
    acceptUntrusted: validationOf(common)?.trust_chain_verification === 'ACCEPT_UNTRUSTED',
    alpn: common.alpn_protocols ?? [],
    peerNames: readPeerNames(common),
    parameters: { ...readParameters(common), noTickets: config['disable_stateless_session_resumption'] === true },
  };
}

/** Reads a cluster's transport socket; undefined for plaintext. */
export function readUpstreamTls(socket: TransportSocket | undefined): UpstreamTls | undefined {
  const config = tlsConfig(socket, extensionTypes.upstreamTls);
  if (config === undefined) return undefined;
  const common = (config['common_tls_context'] ?? {}) as CommonTls;
  return {
    certificate: readCertificates(common)[0],
    trust: readTrust(common),
    // Unlike a server, a client that is not told otherwise does not speak TLS 1.3.
    parameters: { max: 'TLSv1.2', ...told(readParameters(common)) },
    resumption: { maxSessions: readNumber(config['max_session_keys'] as number | undefined, 1) },
    sni: typeof config['sni'] === 'string' ? config['sni'] : '',
    alpn: common.alpn_protocols ?? [],
    peerNames: readPeerNames(common),
    namedPeer: undefined,
    autoHostSni: config['auto_host_sni'] === true,
    autoSniSanValidation: config['auto_sni_san_validation'] === true,
  };
}

const COMBINED = 'common_tls_context/combined_validation_context';
/** Rules of Envoy's API for TLS. */
const TLS_RULES = [
  rule(`${COMBINED}/default_validation_context`, required),
  rule(`${COMBINED}/validation_context_sds_secret_config`, required),
  rule(`${COMBINED}/validation_context_sds_secret_config/name`, filled),
  rule('common_tls_context/validation_context_sds_secret_config/name', filled),
  rule('common_tls_context/tls_certificate_sds_secret_configs/name', filled),
];

function tlsConfig(socket: TransportSocket | undefined, wanted: string): Record<string, unknown> | undefined {
  if (socket === undefined) return undefined;
  const type = socket.typed_config?.['@type'] ?? '';
  if (type === extensionTypes.rawBuffer || socket.name === 'envoy.transport_sockets.raw_buffer') return undefined;
  if (type !== wanted) throw new ConfigProblem('transport_socket', `unsupported type ${type || socket.name}`);
  checkRules(socket.typed_config ?? {}, TLS_RULES);
  return socket.typed_config;
}

/** Names of the agent's own secrets, which no control plane serves. */
const OF_THE_AGENT = new Set([WORKLOAD_SECRET, ROOT_SECRET, SYSTEM_ROOTS]);

function readSecretName({ name, sds_config: source }: SdsConfig): SecretName {
  const served = name.includes('://') || (source?.ads !== undefined && !OF_THE_AGENT.has(name));
  return served ? { sds: name, withinMs: fetchMs(source) } : { sds: name };
}

/** Those by SDS count before those in the text, as in Envoy. */
function readCertificates(common: CommonTls): CertificateSource[] {
  const sds = common.tls_certificate_sds_secret_configs ?? [];
  if (sds.length > 0) return sds.map(readSecretName);
  return (common.tls_certificates ?? []).map(({ certificate_chain, private_key }, i) => {
    const [chainPem, keyPem] = [certificate_chain?.inline_string, private_key?.inline_string];
    if (chainPem === undefined || keyPem === undefined) {
      throw new ConfigProblem(`tls_certificates[${i}]`, 'only inline_string chains and keys are supported');
    }
    return { chainPem, keyPem };
  });
}

function readTrust(common: CommonTls): TrustSource | undefined {
  const sds =
    common.combined_validation_context?.validation_context_sds_secret_config ??
    common.validation_context_sds_secret_config;
  if (sds !== undefined) return readSecretName(sds);
  const roots = (common.validation_context ?? common.combined_validation_context?.default_validation_context)
    ?.trusted_ca;
  if (roots?.inline_string !== undefined) return { rootsPem: roots.inline_string };
  return undefined;
}

const validationOf = (common: CommonTls): Validation | undefined =>
  common.combined_validation_context?.default_validation_context ?? common.validation_context;

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLSv1_0: 'TLSv1',
  TLSv1_1: 'TLSv1.1',
  TLSv1_2: 'TLSv1.2',
  TLSv1_3: 'TLSv1.3',
};

const readParameters = ({ tls_params: params = {} }: CommonTls): TlsParameters => ({
  min: VERSIONS[params.tls_minimum_protocol_version ?? ''],
  max: VERSIONS[params.tls_maximum_protocol_version ?? ''],
  ciphers: readCiphers(params.cipher_suites ?? []),
  groups: readCurves(params.ecdh_curves ?? []),
});

const told = (parameters: TlsParameters): TlsParameters =>
  Object.fromEntries(Object.entries(parameters).filter(([, parameter]) => parameter !== undefined));

function readCiphers(rules: readonly string[]): TlsParameters['ciphers'] {
  if (rules.join(':') === '') return undefined;
  const [unknown, ranks] = [unknownCiphers(rules), rankCiphers(rules)];
  if (unknown.length === 0 && ranks.length > 0) return ranks;
  const rejected = `The following ciphers were rejected when tried individually: ${unknown.join(', ')}`;
  throw new ConfigProblem('tls_params', `Failed to initialize cipher suites ${rules.join(':')}. ${rejected}`);
}

function readCurves(names: readonly string[]): TlsParameters['groups'] {
  if (names.join(':') === '') return undefined;
  const groups = readGroups(names);
  if (groups !== undefined) return groups;
  throw new ConfigProblem('tls_params', `Failed to initialize ECDH curves ${names.join(':')}`);
}

function readPeerNames(common: CommonTls): StringMatch[] {
  const validation = validationOf(common);
  const matchers =
    validation?.match_subject_alt_names ??
    validation?.match_typed_subject_alt_names?.map((typed) => typed.matcher) ??
    [];
  return matchers.map((matcher, i) => compileStringMatch(matcher, `match_typed_subject_alt_names[${i}]`));
}
