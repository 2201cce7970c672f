import type { Clock } from '#domain';
import type { SecretStore } from './agent/secret-store.ts';
import type { CertificateSource, DownstreamTls, TrustSource, UpstreamTls } from './config/tls-settings.ts';
import { CARRIAGE } from './http/carriage.ts';
import {
  ClientSessions,
  type ClientTransportOptions,
  coversDnsName,
  createClientTransport,
  createServerTransport,
  SecureContexts,
  type ServerTransport,
  type SubjectAltNames,
  type TlsCredentials,
  type TransportSocket,
} from './tls/index.ts';

/** Makes the TLS side of a connection from its configuration and the certificates in force. */
export interface TransportFactory {
  server(tls: DownstreamTls, options: ServerUse): ServerTransport;
  /** Offers the protocols of the mesh where the cluster belongs to it. */
  /** `carriage`: HTTP/1.1 may be carried over HTTP/2; true by default. */
  client(tls: UpstreamTls, use: TransportUse, carriage?: boolean): ClientTransport;
}

/** How a server serves one connection. */
export interface ServerUse {
  /** HTTP is served, and proxies of this project may bring it as HTTP/2 (see `http/carriage.ts`). */
  readonly carriage: boolean;
  /** How long the handshake may take. */
  readonly timeoutMs: number;
}

/** What the bytes inside will be; `alpn`: HTTP as the handshake agrees. */
export type TransportUse = 'http1' | 'http2' | 'alpn' | 'tcp';

export interface ClientTransport extends TransportSocket {
  readonly offersCarriage: boolean;
}

export function createTransports(secrets: SecretStore, clock: Clock): TransportFactory {
  const contexts = new SecureContexts();
  const kept = new WeakMap<object, ClientSessions>();
  const sessionsOf = ({ resumption }: UpstreamTls): ClientSessions => {
    const sessions = kept.get(resumption) ?? new ClientSessions(resumption.maxSessions);
    kept.set(resumption, sessions);
    return sessions;
  };
  return {
    server: (tls, { carriage, timeoutMs }) =>
      createServerTransport({
        contexts,
        clock,
        timeoutMs,
        credentials: () => serverCredentials(secrets, tls),
        alpn: carriage && isMesh(tls) ? [CARRIAGE, ...tls.alpn] : tls.alpn,
        requireClientCertificate: tls.requireClientCertificate,
        acceptUntrusted: tls.acceptUntrusted,
        parameters: tls.parameters,
        expected: tls.peerNames.map(({ wanted }) => wanted),
        ...(tls.peerNames.length > 0 && { matchesPeer: (names: SubjectAltNames) => isExpected(tls, names) }),
      }),
    client: (tls, use, carriage = true) => {
      const alpn = offeredAlpn(tls.alpn, use).filter((name) => carriage || name !== CARRIAGE);
      const transport = createClientTransport({
        contexts,
        credentials: () => readCredentials(secrets, tls.certificate, tls.trust),
        sni: tls.sni,
        sessions: sessionsOf(tls),
        parameters: tls.parameters,
        alpn,
        ...expectedServer(tls),
        ...(tls.namedPeer !== undefined && { namedPeer: tls.namedPeer }),
      });
      return { ...transport, offersCarriage: alpn.includes(CARRIAGE) };
    },
  };
}

/** Only sidecars, which know every client by its certificate, are spoken to in the project's own way. */
const isMesh = (tls: DownstreamTls): boolean => tls.requireClientCertificate && tls.alpn.includes('http/1.1');

/** What Istio's ALPN filter offers in place of the cluster's own list, by the protocol of the request. */
const MESH_ALPN: Readonly<Record<'http1' | 'http2', readonly string[]>> = {
  http1: [CARRIAGE, 'istio-http/1.1', 'istio', 'http/1.1'],
  http2: ['istio-h2', 'istio', 'h2'],
};

function offeredAlpn(alpn: readonly string[], use: TransportUse): readonly string[] {
  if (use === 'tcp') return alpn;
  if (use === 'alpn') return alpn.length > 0 ? alpn : ['h2', 'http/1.1'];
  if (alpn.includes('istio')) return MESH_ALPN[use];
  return use === 'http2' ? alpn : alpn.filter((name) => name !== 'h2' && name !== 'istio-h2');
}

/** Source: DefaultCertValidator::verifyCertAndUpdateStatus in Envoy. */
function expectedServer(tls: UpstreamTls): Pick<ClientTransportOptions, 'expected' | 'matchesPeer'> {
  const { autoSniSanValidation, namedPeer, peerNames, sni } = tls;
  if (autoSniSanValidation && namedPeer === undefined && sni !== '')
    return { expected: [exactly(sni)], matchesPeer: (names) => coversDnsName(names, sni) };
  return {
    expected: [...peerNames.map(({ wanted }) => wanted), ...(namedPeer === undefined ? [] : [exactly(namedPeer)])],
    ...(peerNames.length > 0 && { matchesPeer: (names: SubjectAltNames) => isExpected(tls, names) }),
  };
}

const exactly = (name: string): string => `exactly "${name}"`;

const isExpected = (tls: UpstreamTls | DownstreamTls, names: SubjectAltNames): boolean =>
  [...names.uris, ...names.dns].some((name) => tls.peerNames.some((matcher) => matcher.accepts(name)));

/** A server shows what has arrived of its further certificates. */
function serverCredentials(secrets: SecretStore, tls: DownstreamTls): TlsCredentials | undefined {
  const own = readCredentials(secrets, tls.certificate, tls.trust);
  if (own === undefined || tls.furtherCertificates.length === 0) return own;
  const further = tls.furtherCertificates.flatMap((source) => {
    const shown = 'chainPem' in source ? source : secrets.certificate(source.sds);
    return shown === undefined ? [] : [shown];
  });
  return { ...own, further };
}

/** Undefined while a secret that is named has not arrived. */
function readCredentials(
  secrets: SecretStore,
  certificate: CertificateSource | undefined,
  trust: TrustSource | undefined,
): TlsCredentials | undefined {
  const shown =
    certificate === undefined || 'chainPem' in certificate ? certificate : secrets.certificate(certificate.sds);
  const rootsPem = trust === undefined ? undefined : 'rootsPem' in trust ? trust.rootsPem : secrets.roots(trust.sds);
  if ((certificate !== undefined && shown === undefined) || (trust !== undefined && rootsPem === undefined))
    return undefined;
  const crlPem = trust !== undefined && 'sds' in trust ? secrets.revoked(trust.sds) : undefined;
  return { certificate: shown, rootsPem, ...(crlPem !== undefined && { crlPem }) };
}
