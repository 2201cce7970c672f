/** What a service account token proves. */
export interface ServiceAccountIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Name of the pod that the token is bound to. */
  readonly pod: string;
}

/** Signs and checks projected service account tokens (JWT, ES256), as the Kubernetes API server does for `audience: istio-ca`. */
export interface TokenIssuer {
  mint(identity: ServiceAccountIdentity): string;
  /** Throws SigningRefused (UNAUTHENTICATED) with the reason when the token proves nothing. */
  verify(token: string): ServiceAccountIdentity;
}

/** A signed workload certificate. Leaf first, then the intermediate; the root travels apart. */
export interface SignedSvid {
  readonly chainPem: readonly string[];
  readonly rootsPem: readonly string[];
  readonly spiffeId: string;
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a CA must keep to be the same CA after a restart; the key is secret. Istio keeps these in the Secret `istio-ca-secret`. */
export interface AuthorityMaterial {
  readonly caCertPem: string;
  readonly caKeyPem: string;
  readonly rootCertPem: string;
}

/** The mesh's SPIFFE CA: the only holder of its signing key. */
export interface CertificateAuthority {
  readonly trustDomain: string;
  readonly rootsPem: readonly string[];
  readonly material: AuthorityMaterial;
  /**
   * Certifies the CSR's key for the identity that the token proves. SigningRefused: UNAUTHENTICATED (bad token), PERMISSION_DENIED (the
   * CSR asks for another identity), INVALID_ARGUMENT (unreadable CSR).
   */
  sign(csrPem: string, token: string): SignedSvid;
}

/** The agent's side: same shape as the data plane's CertificateSigner. */
export interface CertificateClient {
  sign(
    csrPem: string,
    token: string,
  ): Promise<{ readonly chainPem: readonly string[]; readonly rootsPem: readonly string[] }>;
  close(): void;
}
