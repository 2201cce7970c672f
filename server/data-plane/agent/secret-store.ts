import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { ProxySecret } from '../doors.ts';

/** SDS names of the workload's own certificate and of the mesh's trust bundle. */
export const WORKLOAD_SECRET = 'default';
export const ROOT_SECRET = 'ROOTCA';
/** Istio's name for the public web's roots: TLS to servers outside the mesh. */
export const SYSTEM_ROOTS = 'file-root:system';

/** The certificates that the agent feeds to its proxy. Keys are handed to TLS contexts of this proxy and to nobody else. */
export class SecretStore {
  #own: { readonly chainPem: string; readonly keyPem: string } | undefined;
  #rootsPem: string | undefined;

  set(secrets: { chainPem: readonly string[]; keyPem: string; rootsPem: readonly string[] }): void {
    this.#own = { chainPem: secrets.chainPem.join('\n'), keyPem: secrets.keyPem };
    this.#rootsPem = secrets.rootsPem.join('\n');
  }

  /** Undefined for a name that was not supplied. */
  certificate(name: string): { readonly chainPem: string; readonly keyPem: string } | undefined {
    return name === WORKLOAD_SECRET ? this.#own : undefined;
  }

  roots(name: string): string | undefined {
    if (name === SYSTEM_ROOTS) return rootCertificates.join('\n');
    return name === ROOT_SECRET ? this.#rootsPem : undefined;
  }

  /** What the admin port shows: never a key. */
  list(): readonly ProxySecret[] {
    const secrets: ProxySecret[] = [];
    if (this.#own !== undefined) secrets.push(secretOf('default', 'Cert Chain', this.#own.chainPem));
    if (this.#rootsPem !== undefined) secrets.push(secretOf('ROOTCA', 'CA', this.#rootsPem));
    return secrets;
  }
}

function secretOf(name: ProxySecret['name'], type: ProxySecret['type'], pem: string): ProxySecret {
  const certificate = new X509Certificate(pem);
  return {
    name,
    type,
    state: 'ACTIVE',
    serialNumber: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    spiffeId: /URI:(spiffe:\/\/[^,\s]+)/.exec(certificate.subjectAltName ?? '')?.[1] ?? '',
    pem,
  };
}
