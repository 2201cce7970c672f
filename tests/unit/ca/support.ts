import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Clock } from '#domain';

x509.cryptoProvider.set(webcrypto as Crypto);

/** A clock that stands still until told. */
export function standingClock(startMs = Date.parse('2026-03-01T10:00:00Z')): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: () => ({ cancel: () => undefined }),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** A PKCS#10 request made by another implementation, with its private key in PEM. */
export async function makeRequest(uris: readonly string[]): Promise<{ csrPem: string; keyPem: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const names = uris.map((value) => ({ type: 'url' as const, value }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { csrPem: request.toString('pem'), keyPem: x509.PemConverter.encode(key, 'PRIVATE KEY') };
}
