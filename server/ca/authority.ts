import { generateKeyPairSync } from 'node:crypto';
import type { Clock } from '#domain';
import { spiffeId } from '#domain';
import { distinguishedName, issueServer, issueSvid, spkiOf } from './certificate.ts';
import { readSigningRequest } from './csr.ts';
import type { AuthorityMaterial, CertificateAuthority, TokenIssuer } from './doors.ts';
import { CLOCK_SKEW_MS, createMaterial, readMaterial } from './material.ts';
import { SigningRefused } from './refused.ts';

const DAY_MS = 24 * 3600_000;
const SERVER_TTL_MS = 365 * DAY_MS;

export interface AuthorityOptions {
  /** That of the CA's own names. */
  readonly trustDomain: string;
  /** That of the workloads, where it changes while the CA lives; absent: `trustDomain`. */
  readonly workloadTrustDomain?: (() => string) | undefined;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  /** Life of a workload certificate that asks for none; 24 h unless told. */
  readonly svidTtlMs?: number | undefined;
  /** Longest life that a workload may ask for; 90 days unless told. */
  readonly maxSvidTtlMs?: number | undefined;
  /** Of an earlier CA that this one continues, or plugged in; absent: a root and an intermediate are made. */
  readonly material?: AuthorityMaterial | undefined;
}

/**
 * A SPIFFE CA for one trust domain. A new one makes a root, lets it sign one intermediate and forgets the root's key. Throws MeshworkError
 * MW9103 for material that nobody would believe.
 */
export function createCertificateAuthority(options: AuthorityOptions): CertificateAuthority {
  const { trustDomain, clock, tokens, svidTtlMs = DAY_MS, maxSvidTtlMs = 90 * DAY_MS } = options;
  /** Workloads that started earlier ask for their identity as it was then. */
  const earlier = new Set([trustDomain]);
  const material = options.material ?? createMaterial(trustDomain, clock.now());
  const { issuer, chainPem, rootsPem, notAfterMs } = readMaterial(material, clock.now());
  return {
    trustDomain,
    material,
    rootsPem,
    sign: (csrPem, token, ttlMs = 0) => {
      const caller = tokens.verify(token);
      const idIn = (domain: string): string => spiffeId(domain, caller.namespace, caller.serviceAccount);
      // As in istiod, which reads MeshConfig anew for each token (security/pkg/server/ca/authenticate/kubeauth/kube_jwt.go).
      const current = options.workloadTrustDomain?.() ?? trustDomain;
      earlier.add(current);
      const identity = idIn(current);
      const known = [...earlier].map(idIn);
      const request = readSigningRequest(csrPem);
      const other = request.names.find(({ kind, value }) => kind !== 'URI' || !known.includes(value));
      if (other !== undefined) {
        const asked = other.kind === 'URI' ? other.value : `${other.kind} ${other.value}`;
        throw new SigningRefused('PERMISSION_DENIED', `the token proves ${identity}; the CSR asks for ${asked}`);
      }
      if (ttlMs > maxSvidTtlMs) {
        const [asked, most] = [ttlMs, maxSvidTtlMs].map((ms) => `${ms / 1000}s`);
        throw new SigningRefused(
          'INVALID_ARGUMENT',
          `requested TTL ${asked} is greater than the max allowed TTL ${most}`,
        );
      }
      const now = clock.now();
      const end = Math.min(now + (ttlMs > 0 ? ttlMs : svidTtlMs), notAfterMs);
      const validity = { notBeforeMs: now - CLOCK_SKEW_MS, notAfterMs: end };
      const { pem, ...facts } = issueSvid({ issuer, spki: request.spki, spiffeId: identity, validity });
      return { ...facts, chainPem: [pem, ...chainPem], rootsPem, spiffeId: identity };
    },
    issueServerCertificate: (names) => {
      const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
      const subject = { name: distinguishedName(trustDomain, names[0] ?? 'server'), spki: spkiOf(key) };
      const now = clock.now();
      const validity = { notBeforeMs: now - CLOCK_SKEW_MS, notAfterMs: Math.min(now + SERVER_TTL_MS, notAfterMs) };
      const { pem } = issueServer({ issuer, subject, validity, dnsNames: names, ips: [] });
      return { keyPem: key.export({ type: 'pkcs8', format: 'pem' }) as string, certPem: [pem, ...chainPem].join('') };
    },
  };
}
