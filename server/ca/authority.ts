import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Clock } from '#domain';
import { spiffeId } from '#domain';
import { distinguishedName, issueAuthority, issueSvid, type Signer, spkiOf, type Validity } from './certificate.ts';
import { readSigningRequest } from './csr.ts';
import type { AuthorityMaterial, CertificateAuthority, TokenIssuer } from './doors.ts';
import { SigningRefused } from './refused.ts';

const DAY_MS = 24 * 3600_000;
const ROOT_TTL_MS = 3650 * DAY_MS;
const INTERMEDIATE_TTL_MS = 365 * DAY_MS;
/** Tolerated difference between clocks, as istiod grants it. */
const CLOCK_SKEW_MS = 2 * 60_000;

export interface AuthorityOptions {
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  /** Life of a workload certificate; 24 h unless told. */
  readonly svidTtlMs?: number;
  /** Of an earlier CA that this one continues; absent: a root and an intermediate are made. */
  readonly material?: AuthorityMaterial;
}

/** A SPIFFE CA for one trust domain. A new one makes a root, lets it sign one intermediate and forgets the root's key. */
export function createCertificateAuthority(options: AuthorityOptions): CertificateAuthority {
  const { trustDomain, clock, tokens, svidTtlMs = DAY_MS } = options;
  const material = options.material ?? createMaterial(trustDomain, clock.now());
  const issuer = signerOf('Meshwork intermediate CA', trustDomain, createPrivateKey(material.caKeyPem));
  return {
    trustDomain,
    material,
    rootsPem: [material.rootCertPem],
    sign: (csrPem, token) => {
      const caller = tokens.verify(token);
      const identity = spiffeId(trustDomain, caller.namespace, caller.serviceAccount);
      const request = readSigningRequest(csrPem);
      const other = request.uris.find((uri) => uri !== identity);
      if (other !== undefined) {
        throw new SigningRefused('PERMISSION_DENIED', `the token proves ${identity}; the CSR asks for ${other}`);
      }
      const validity = { notBeforeMs: clock.now() - CLOCK_SKEW_MS, notAfterMs: clock.now() + svidTtlMs };
      const { pem, ...facts } = issueSvid({ issuer, spki: request.spki, spiffeId: identity, validity });
      return { ...facts, chainPem: [pem, material.caCertPem], rootsPem: [material.rootCertPem], spiffeId: identity };
    },
  };
}

function createMaterial(trustDomain: string, nowMs: number): AuthorityMaterial {
  const root = signerOf('Meshwork root CA', trustDomain, newKey());
  const intermediate = signerOf('Meshwork intermediate CA', trustDomain, newKey());
  const until = (ttlMs: number): Validity => ({ notBeforeMs: nowMs - CLOCK_SKEW_MS, notAfterMs: nowMs + ttlMs });
  return {
    rootCertPem: issueAuthority({ issuer: root, subject: root, validity: until(ROOT_TTL_MS), pathLength: 1 }).pem,
    caCertPem: issueAuthority({
      issuer: root,
      subject: intermediate,
      validity: until(INTERMEDIATE_TTL_MS),
      pathLength: 0,
    }).pem,
    caKeyPem: intermediate.key.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const signerOf = (commonName: string, trustDomain: string, key: KeyObject): Signer => ({
  name: distinguishedName(trustDomain, commonName),
  key,
  spki: spkiOf(key),
});
