import type { X509Certificate } from 'node:crypto';

/** Both ends' certificates of one connection. */
export interface PeerCertificates {
  readonly peer: X509Certificate | undefined;
  /** What this side has shown. */
  readonly local: X509Certificate | undefined;
}
