/** What a service account token proves. */
export interface ServiceAccountIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Name of the pod that the token is bound to; undefined for one that was asked for by hand. */
  readonly pod: string | undefined;
}

/**
 * Signs and checks projected service account tokens (JWT, ES256), as the Kubernetes API server does for `audience: istio-ca`. A token that
 * is bound to a pod proves nothing once the pod is gone.
 */
export interface TokenIssuer {
  mint(identity: ServiceAccountIdentity): string;
  /** Throws SigningRefused (UNAUTHENTICATED) with the reason when the token proves nothing. */
  verify(token: string): ServiceAccountIdentity;
}

/** A signed workload certificate. Leaf first, then what leads to the root; the trust bundle travels apart. */
export interface SignedSvid {
  readonly chainPem: readonly string[];
  readonly rootsPem: readonly string[];
  readonly spiffeId: string;
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * What a CA must keep to be the same CA after a restart; the key is secret. Istio keeps these in the Secret `istio-ca-secret`, and takes
 * them from the Secret `cacerts` where an operator plugs in a CA.
 */
export interface AuthorityMaterial {
  readonly caCertPem: string;
  readonly caKeyPem: string;
  /** From the CA upwards, shown by workloads above their own certificate. Absent: the CA's alone, nothing where it is itself a root. */
  readonly certChainPem?: string | undefined;
  /** The trust bundle: one root, or the old and the new while a mesh changes from one to the other. */
  readonly rootCertPem: string;
  /** Revocation lists of the CAs of `certChainPem`, each by its own; absent: nothing is revoked. */
  readonly crlPem?: string | undefined;
}

/** A key and its certificate, PEM; behind the certificate what leads to the root. */
export interface ServingCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

/** The mesh's SPIFFE CA: the only holder of its signing key. */
export interface CertificateAuthority {
  readonly trustDomain: string;
  readonly rootsPem: readonly string[];
  readonly material: AuthorityMaterial;
  /**
   * Certifies the CSR's key for the identity that the token proves, in the trust domain that workloads have now, for `ttlMs` (0 or absent: as long as the CA thinks right).
   * SigningRefused: UNAUTHENTICATED (bad token), PERMISSION_DENIED (the CSR asks for another identity or more names), INVALID_ARGUMENT
   * (unreadable CSR, weak key, too long a life).
   */
  sign(csrPem: string, token: string, ttlMs?: number): SignedSvid;
  /** A certificate for a server of the control plane, which clients know by host name; with a new key. */
  issueServerCertificate(names: readonly string[]): ServingCertificate;
}

/** The agent's side: same shape as the data plane's CertificateSigner. */
export interface CertificateClient {
  sign(
    csrPem: string,
    token: string,
    ttlMs?: number,
  ): Promise<{ readonly chainPem: readonly string[]; readonly rootsPem: readonly string[] }>;
  close(): void;
}
