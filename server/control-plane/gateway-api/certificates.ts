import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { KubeObject } from '#domain';
import type { ConfigMapShape, SecretShape } from './plain-types.ts';

/** What an object holds under the names that Istio knows, or what it lacks. */
export type Extracted<Value> = { readonly value: Value } | { readonly error: string };

export interface CertificatePair {
  /** PEM, the leaf first. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

type Fields = Readonly<Record<string, string>>;

/** A Secret's fields as text. */
export function secretFields(secret: KubeObject): Fields {
  const { data = {}, stringData = {} } = secret as SecretShape & KubeObject;
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]);
  return { ...(Object.fromEntries(decoded) as Fields), ...stringData };
}

export const configMapFields = (configMap: KubeObject): Fields => (configMap as ConfigMapShape & KubeObject).data ?? {};

const PAIRS = [
  ['cert', 'key'],
  ['tls.crt', 'tls.key'],
] as const;

/** A server's certificate and key: `cert` and `key`, else `tls.crt` and `tls.key`. */
export function extractPair(fields: Fields): Extracted<CertificatePair> {
  for (const [certificate, key] of PAIRS) {
    if (fields[certificate] && fields[key]) return { value: { certificate: fields[certificate], key: fields[key] } };
  }
  for (const [certificate, key] of PAIRS) {
    if (fields[certificate] !== undefined && fields[key] !== undefined) {
      return { error: `found keys "${certificate}" and "${key}", but they were empty` };
    }
  }
  const expected = '(cert and key) or (tls.crt and tls.key)';
  return { error: `found secret, but didn't have expected keys ${expected}; found: ${foundKeys(fields)}` };
}

/** A bundle of CA certificates: `cacert`, else `ca.crt`. */
export function extractRoots(fields: Fields): Extracted<string> {
  for (const name of ['cacert', 'ca.crt']) if (fields[name]) return { value: fields[name] };
  for (const name of ['cacert', 'ca.crt']) {
    if (fields[name] !== undefined) return { error: `found key "${name}", but it was empty` };
  }
  return { error: `found secret, but didn't have expected keys cacert or ca.crt; found: ${foundKeys(fields)}` };
}

/** The revocation list beside the roots: `crl` beside `cacert`, `ca.crl` beside `ca.crt`. Source: ExtractRoot in istio pilot. */
export const extractRevoked = (fields: Fields): string | undefined =>
  (fields['cacert'] ? fields['crl'] : fields['ca.crl']) || undefined;

function foundKeys(fields: Fields): string {
  const keys = Object.keys(fields).sort();
  return keys.length < 3 ? keys.join(', ') : `${keys.slice(0, 3).join(', ')}, and ${keys.length - 3} more...`;
}

/** What is wrong with a certificate and its key; undefined when they belong together. */
export function pairProblem({ certificate, key }: CertificatePair): string | undefined {
  if (!/-----BEGIN [A-Z0-9 ]+-----/.test(certificate)) return 'tls: failed to find any PEM data in certificate input';
  if (!/-----BEGIN [A-Z0-9 ]+-----/.test(key)) return 'tls: failed to find any PEM data in key input';
  const leaf = attempt(() => new X509Certificate(certificate));
  if (leaf === undefined) return 'x509: malformed certificate';
  const privateKey = attempt<KeyObject>(() => createPrivateKey(key));
  if (privateKey === undefined) return 'tls: failed to parse private key';
  return leaf.checkPrivateKey(privateKey) ? undefined : 'tls: private key does not match public key';
}

/** Whether a bundle holds at least one readable certificate. */
export function hasCertificates(bundle: string): boolean {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.some((block) => attempt(() => new X509Certificate(block)) !== undefined);
}

/** The value, or undefined where reading it fails: what a learner stored need not be a certificate. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
