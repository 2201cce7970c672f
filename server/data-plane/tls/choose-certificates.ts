import { traitsOf } from './certificate-traits.ts';
import type { Certificate, TlsCredentials } from './credentials.ts';
import { coversName } from './subject-alt-names.ts';

/**
 * The credentials with those certificates that a client may be shown: with SNI the ones that have the name, else the first; without SNI
 * all of them. Of one kind of key the first counts; between kinds OpenSSL chooses, elliptic curves before RSA where the client can verify them. Source:
 * DefaultTlsCertificateSelector in Envoy.
 */
export function chooseCertificates(credentials: TlsCredentials, serverName: string): TlsCredentials {
  const { certificate, further = [] } = credentials;
  if (certificate === undefined || further.length === 0) return credentials;
  const all = [certificate, ...further];
  const fitting = serverName === '' ? all : all.filter((each) => coversName(traitsOf(each).names, serverName));
  const byKey = new Map<string, Certificate>();
  for (const each of fitting) {
    const { keyType } = traitsOf(each);
    if (!byKey.has(keyType)) byKey.set(keyType, each);
  }
  const [first = certificate, ...others] = byKey.values();
  return { ...credentials, certificate: first, further: others };
}
