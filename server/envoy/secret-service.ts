import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { discoveryRequest, discoveryResponse, encodeResource, rawStream, typeUrls } from '#xds';

const PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';

/** Where secrets come from, by the names that listeners and clusters ask with; PEM. */
export interface SecretSource {
  certificate(name: string): { readonly chainPem: string; readonly keyPem: string } | undefined;
  roots(name: string): string | undefined;
  /** Revocation lists that come with roots. Absent: none. */
  revoked?(name: string): string | undefined;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

interface Asked {
  readonly names: readonly string[];
  /** What was answered last. */
  readonly told: string;
}

/**
 * Serves secrets as Istio's agent does beside each proxy, state of the world. Call what it returns when secrets may have changed: those who
 * asked for one that has are answered anew.
 */
export function addSecretService(server: Server, source: SecretSource): () => void {
  const asked = new Map<Call, Asked>();
  let version = 0;
  const answer = (call: Call, names: readonly string[]): void => {
    const secrets = names.flatMap((name) => secretOf(source, name) ?? []);
    const told = JSON.stringify(secrets);
    const before = asked.get(call);
    asked.set(call, { names, told });
    if (before?.names === names && before.told === told) return;
    const resources = secrets.map((json) => ({
      typeUrl: typeUrls.secret,
      value: encodeResource(typeUrls.secret, json).bytes,
    }));
    version++;
    const versionInfo = String(version);
    call.write(discoveryResponse.write({ typeUrl: typeUrls.secret, versionInfo, nonce: versionInfo, resources }));
  };
  const stream = (call: Call): void => {
    call.on('data', (bytes: Buffer) => {
      const { resourceNames } = discoveryRequest.read(bytes);
      // What asks for the same as before is the answer to an answer.
      if (asked.get(call)?.names.join() === resourceNames.join()) return;
      answer(call, resourceNames);
    });
    call.on('end', () => call.end());
    call.on('close', () => asked.delete(call));
    call.on('cancelled', () => asked.delete(call));
  };
  server.addService({ stream: rawStream(PATH) }, { stream });
  return () => {
    for (const [call, { names }] of asked) answer(call, names);
  };
}

/** As Istio's agent sends it: istioctl reads nothing else. */
const inline = (pem: string): object => ({ inline_bytes: Buffer.from(pem).toString('base64') });

function secretOf(source: SecretSource, name: string): { name: string } | undefined {
  const own = source.certificate(name);
  if (own !== undefined) {
    const { chainPem, keyPem } = own;
    const tls_certificate = { certificate_chain: inline(chainPem), private_key: inline(keyPem) };
    return { name, tls_certificate } as { name: string };
  }
  const roots = source.roots(name);
  if (roots === undefined) return undefined;
  const crl = source.revoked?.(name);
  const validation_context = {
    trusted_ca: inline(roots),
    ...(crl !== undefined && { crl: inline(crl) }),
  };
  return { name, validation_context } as { name: string };
}
