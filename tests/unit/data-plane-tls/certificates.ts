import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

export interface TestCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface LeafOptions {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly subject?: string;
  readonly notAfterMs?: number;
  /** An RSA key in place of one on a curve. */
  readonly rsa?: boolean;
}

export interface TestCa {
  readonly rootsPem: string;
  issue(options: LeafOptions): Promise<TestCertificate>;
  /** A list that revokes these certificates of the CA, PEM. */
  revoke(...certificates: readonly TestCertificate[]): Promise<string>;
}

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
} as const;

async function keys(rsa = false): Promise<{ pair: CryptoKeyPair; pem: string }> {
  const pair = (await webcrypto.subtle.generateKey(rsa ? RSA : ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const der = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
  return { pair, pem: x509.PemConverter.encode(der, 'PRIVATE KEY') };
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex');
}

/** A certificate authority that lives as long as its test. */
export async function createTestCa(name = 'O=test'): Promise<TestCa> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const { pair } = await keys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: pair,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = async (options: LeafOptions): Promise<TestCertificate> => {
    const leaf = await keys(options.rsa);
    const names = [
      ...(options.uris ?? []).map((value) => ({ type: 'url' as const, value })),
      ...(options.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      issuer: root.subject,
      subject: options.subject ?? '',
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(options.notAfterMs ?? Date.now() + DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: leaf.pair.publicKey,
      signingKey: pair.privateKey,
      extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names, true)] : [],
    });
    return { chainPem: certificate.toString('pem'), keyPem: leaf.pem };
  };
  const revoke: TestCa['revoke'] = async (...certificates) => {
    const crl = await x509.X509CrlGenerator.create({
      issuer: root.subject,
      thisUpdate: new Date(Date.now() - DAY_MS),
      nextUpdate: new Date(Date.now() + DAY_MS),
      entries: certificates.map(({ chainPem }) => ({ serialNumber: new x509.X509Certificate(chainPem).serialNumber })),
      signingAlgorithm: ALGORITHM,
      signingKey: pair.privateKey,
    });
    return x509.PemConverter.encode(crl.rawData, 'X509 CRL');
  };
  return { rootsPem: root.toString('pem'), issue, revoke };
}
