import type { X509Certificate } from 'node:crypto';
import type { FormatConnection } from '../format/subject.ts';
import { parseSubjectAltNames } from '../tls/subject-alt-names.ts';
import { subjectText } from '../tls/tls-facts.ts';
import { told } from './told.ts';

const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1: 'TLSv1',
  'TLSv1.1': 'TLSv1_1',
  'TLSv1.2': 'TLSv1_2',
  'TLSv1.3': 'TLSv1_3',
};

/** Numbers that IANA gave the suites which clients and servers of today agree on. */
const SUITES: Readonly<Record<string, number>> = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 0xc02b,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 0xc02c,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 0xc02f,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 0xc030,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca8,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca9,
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 0xc009,
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 0xc00a,
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 0xc013,
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 0xc014,
  TLS_RSA_WITH_AES_128_GCM_SHA256: 0x009c,
  TLS_RSA_WITH_AES_256_GCM_SHA384: 0x009d,
  TLS_RSA_WITH_AES_128_CBC_SHA: 0x002f,
  TLS_RSA_WITH_AES_256_CBC_SHA: 0x0035,
};

/** envoy.data.accesslog.v3.TLSProperties of the client's connection; undefined on plaintext without a name. Session ids are not told by Node. */
export function tlsProperties({ requestedServerName, tls }: FormatConnection): object | undefined {
  if (tls === undefined) return requestedServerName === '' ? undefined : { tls_sni_hostname: requestedServerName };
  const { peer, local } = tls.certificates?.() ?? {};
  return told({
    tls_sni_hostname: requestedServerName,
    tls_version: VERSIONS[tls.version],
    tls_cipher_suite: SUITES[tls.cipher] ?? 0xffff,
    local_certificate_properties: told(namesOf(local)),
    peer_certificate_properties: told({ ...namesOf(peer), issuer: subjectText(peer?.issuer) }),
  });
}

const namesOf = (shown: X509Certificate | undefined): Readonly<Record<string, unknown>> => ({
  subject_alt_name: parseSubjectAltNames(shown?.subjectAltName).uris.map((uri) => ({ uri })),
  subject: subjectText(shown?.subject),
});
