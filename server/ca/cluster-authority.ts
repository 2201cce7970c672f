import { generateKeyPairSync } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Clock } from '#domain';
import {
  distinguishedName,
  issueAuthority,
  issueServer,
  keyIdentifier,
  type Signer,
  spkiOf,
  type Validity,
} from './certificate.ts';
import type { ServingCertificate } from './doors.ts';

const YEAR_MS = 365 * 24 * 3600_000;
const CLOCK_SKEW_MS = 2 * 60_000;

/** The cluster's own CA: what a kubeconfig trusts. It certifies servers, never workloads. */
export interface ClusterAuthority {
  readonly caPem: string;
  /** A server certificate for these names and IPv4 addresses, with a new key. */
  issue(names: readonly string[]): ServingCertificate;
}

export function createClusterAuthority({ clock }: { readonly clock: Clock }): ClusterAuthority {
  const key = newKey();
  const spki = spkiOf(key);
  const ca: Signer = { name: distinguishedName('kubernetes', 'kubernetes'), key, spki, keyId: keyIdentifier(spki) };
  const validity = (): Validity => ({
    notBeforeMs: clock.now() - CLOCK_SKEW_MS,
    notAfterMs: clock.now() + YEAR_MS,
  });
  return {
    caPem: issueAuthority({ issuer: ca, subject: ca, validity: validity(), pathLength: 0 }).pem,
    issue: (names) => {
      const own = newKey();
      const subject = { name: distinguishedName('kubernetes', names[0] ?? 'server'), spki: spkiOf(own) };
      const dnsNames = names.filter((name) => !isIPv4(name));
      const certificate = issueServer({
        issuer: ca,
        subject,
        validity: validity(),
        dnsNames,
        ips: names.filter(isIPv4),
      });
      return { keyPem: own.export({ type: 'pkcs8', format: 'pem' }) as string, certPem: certificate.pem };
    },
  };
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
