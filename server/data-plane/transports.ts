import type { Clock } from '#domain';
import type { SecretStore } from './agent/secret-store.ts';
import type { CertificateSource, DownstreamTls, TrustSource, UpstreamTls } from './config/tls-settings.ts';
import {
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
  server(tls: DownstreamTls): ServerTransport;
  /** `http`: the mesh's HTTP protocols are offered where the cluster belongs to the mesh. */
  client(tls: UpstreamTls, use: 'http' | 'tcp'): TransportSocket;
}

export function createTransports(secrets: SecretStore, clock: Clock): TransportFactory {
  const contexts = new SecureContexts();
  return {
    server: (tls) =>
      createServerTransport({
        contexts,
        clock,
        credentials: () => readCredentials(secrets, tls.certificate, tls.trust),
        alpn: tls.alpn,
        requireClientCertificate: tls.requireClientCertificate,
      }),
    client: (tls, use) =>
      createClientTransport({
        contexts,
        credentials: () => readCredentials(secrets, tls.certificate, tls.trust),
        sni: tls.sni,
        alpn: use === 'http' ? httpAlpn(tls.alpn) : tls.alpn,
        ...(tls.peerNames.length > 0 && { matchesPeer: (names: SubjectAltNames) => isExpected(tls, names) }),
      }),
  };
}

/** Istio's ALPN filter: HTTP between sidecars is announced as such, so that the server's proxy takes it for HTTP. */
function httpAlpn(alpn: readonly string[]): readonly string[] {
  if (!alpn.includes('istio') || alpn.includes('istio-http/1.1'))
    return alpn.filter((name) => name !== 'h2' && name !== 'istio-h2');
  return ['istio-http/1.1', ...alpn.filter((name) => name !== 'istio-peer-exchange')];
}

const isExpected = (tls: UpstreamTls, names: SubjectAltNames): boolean =>
  [...names.uris, ...names.dns].some((name) => tls.peerNames.some((matcher) => matcher.accepts(name)));

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
  return { certificate: shown, rootsPem };
}
