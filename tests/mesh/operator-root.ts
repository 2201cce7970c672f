import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_USAGES = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

/** A root of an operator who keeps its key, and the intermediate that signs for the mesh. Made by another implementation. */
export interface OperatorRoot {
  /** The files of the Secret `cacerts`, without a revocation list. */
  readonly files: Readonly<Record<string, string>>;
  /** Serial number of the intermediate. */
  readonly intermediate: string;
  /** Revocation lists: of the root, and of the intermediate, with the serial numbers that each names. */
  rootList(...serials: readonly string[]): Promise<string>;
  intermediateList(...serials: readonly string[]): Promise<string>;
}

export async function createOperatorRoot(): Promise<OperatorRoot> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const pair = async () => (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const [rootKeys, keys] = await Promise.all([pair(), pair()]);
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const extensions = async (key: CryptoKey, pathLength: number) => [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(CA_USAGES, true),
    await x509.SubjectKeyIdentifierExtension.create(key),
  ];
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=Operator root, O=Shop',
    signingAlgorithm: ALGORITHM,
    keys: rootKeys,
    extensions: await extensions(rootKeys.publicKey, 1),
  });
  const intermediate = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: 'CN=Intermediate CA, O=Shop',
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: await extensions(keys.publicKey, 0),
  });
  const list =
    (issuer: x509.X509Certificate, { privateKey }: CryptoKeyPair) =>
    async (...serials: readonly string[]): Promise<string> => {
      const { rawData } = await x509.X509CrlGenerator.create({
        issuer: issuer.subject,
        thisUpdate: validity.notBefore,
        nextUpdate: validity.notAfter,
        entries: serials.map((serialNumber) => ({ serialNumber })),
        signingAlgorithm: ALGORITHM,
        signingKey: privateKey,
      });
      return `${x509.PemConverter.encode(rawData, 'X509 CRL')}\n`;
    };
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const [rootPem, caPem] = [root, intermediate].map((certificate) => `${certificate.toString('pem')}\n`) as [
    string,
    string,
  ];
  return {
    files: {
      'ca-cert.pem': caPem,
      'ca-key.pem': x509.PemConverter.encode(key, 'PRIVATE KEY'),
      'cert-chain.pem': caPem + rootPem,
      'root-cert.pem': rootPem,
    },
    intermediate: '02',
    rootList: list(root, rootKeys),
    intermediateList: list(intermediate, keys),
  };
}
