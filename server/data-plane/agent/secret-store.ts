import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { ProxySecret, Rotation } from '../doors.ts';

/** SDS names of the workload's own certificate and of the mesh's trust bundle. */
export const WORKLOAD_SECRET = 'default';
export const ROOT_SECRET = 'ROOTCA';
/** Istio's name for the public web's roots: TLS to servers outside the mesh. */
export const SYSTEM_ROOTS = 'file-root:system';

/** A certificate with its key, or a trust bundle, as the control plane serves it by SDS. */
export type ServedSecret =
  | { readonly chainPem: string; readonly keyPem: string }
  | { readonly rootsPem: string; readonly crlPem?: string };

/** How Istio names secrets in files. Source: security.SdsCertificateConfig in istio pkg/security. */
const FILE_CERT = 'file-cert:';
const FILE_ROOT = 'file-root:';
const FILE_NAME = /"(file-(?:cert|root):[^"]+)"/g;
const namesIn = new WeakMap<object, readonly string[]>();

/** The secrets in files that a listener or cluster asks for. */
export function fileSecretsIn(resource: object): readonly string[] {
  const known = namesIn.get(resource);
  if (known !== undefined) return known;
  const names = [...JSON.stringify(resource).matchAll(FILE_NAME)].map(([, name = '']) => name);
  const found = [...new Set(names)].filter((name) => name !== SYSTEM_ROOTS);
  namesIn.set(resource, found);
  return found;
}

/** Rotations that are remembered. */
const KEPT_ROTATIONS = 32;

/** The certificates that the agent and the control plane feed to a proxy. Keys are handed to TLS contexts of this proxy and to nobody else. */
export class SecretStore {
  #own: { readonly chainPem: string; readonly keyPem: string } | undefined;
  #rootsPem: string | undefined;
  readonly #rotations: Rotation[] = [];
  /** By the names that listeners and clusters ask with. */
  readonly #served = new Map<string, ServedSecret>();
  readonly #revoked: () => string;
  readonly #readFile: (path: string) => string | undefined;

  /** `revoked`: lists of the mesh's own CAs; `readFile`: files of the proxy's container. Both are asked at each handshake. */
  constructor(revoked: () => string = () => '', readFile: (path: string) => string | undefined = () => undefined) {
    this.#revoked = revoked;
    this.#readFile = readFile;
  }

  set(secrets: { chainPem: readonly string[]; keyPem: string; rootsPem: readonly string[] }, atMs: number): void {
    this.#own = { chainPem: secrets.chainPem.join('\n'), keyPem: secrets.keyPem };
    this.#rootsPem = secrets.rootsPem.join('\n');
    const { serialNumber, notBefore, notAfter } = secretOf(WORKLOAD_SECRET, 'Cert Chain', this.#own.chainPem);
    this.#rotations.push({ atMs, serialNumber, notBefore, notAfter });
    if (this.#rotations.length > KEPT_ROTATIONS) this.#rotations.shift();
  }

  /** The workload's own certificates, oldest first; the last is in force. */
  rotations(): readonly Rotation[] {
    return this.#rotations;
  }

  /** Takes what the control plane serves under a name; undefined: nothing any more. */
  serve(name: string, secret: ServedSecret | undefined): void {
    if (secret === undefined) this.#served.delete(name);
    else this.#served.set(name, secret);
  }

  /** Undefined for a name that was not supplied. */
  certificate(name: string): { readonly chainPem: string; readonly keyPem: string } | undefined {
    if (name === WORKLOAD_SECRET) return this.#own;
    const served = this.#served.get(name) ?? this.#fromFiles(name);
    return served !== undefined && 'chainPem' in served ? served : undefined;
  }

  roots(name: string): string | undefined {
    if (name === SYSTEM_ROOTS) return rootCertificates.join('\n');
    if (name === ROOT_SECRET) return this.#rootsPem;
    const served = this.#served.get(name) ?? this.#fromFiles(name);
    return served !== undefined && 'rootsPem' in served ? served.rootsPem : undefined;
  }

  /** The revocation lists that came with roots. */
  revoked(name: string): string | undefined {
    if (name === ROOT_SECRET) return this.#revoked() || undefined;
    const served = this.#served.get(name);
    return served !== undefined && 'rootsPem' in served ? served.crlPem : undefined;
  }

  /** What `file-cert:CHAIN~KEY` and `file-root:ROOTS` name; undefined while a file is missing. */
  #fromFiles(name: string): ServedSecret | undefined {
    if (name.startsWith(FILE_ROOT)) {
      const rootsPem = this.#readFile(name.slice(FILE_ROOT.length));
      return rootsPem === undefined ? undefined : { rootsPem };
    }
    if (!name.startsWith(FILE_CERT)) return undefined;
    const [chain = '', key = ''] = name.slice(FILE_CERT.length).split('~');
    const [chainPem, keyPem] = [this.#readFile(chain), this.#readFile(key)];
    return chainPem === undefined || keyPem === undefined ? undefined : { chainPem, keyPem };
  }

  /** What the admin port shows: never a key. `files`: names of secrets in files that the configuration asks for. */
  list(files: readonly string[] = []): readonly ProxySecret[] {
    const secrets: ProxySecret[] = [];
    if (this.#own !== undefined) secrets.push(secretOf('default', 'Cert Chain', this.#own.chainPem));
    if (this.#rootsPem !== undefined) secrets.push(secretOf('ROOTCA', 'CA', this.#rootsPem));
    const found = files.flatMap((name): [string, ServedSecret][] => {
      const secret = this.#fromFiles(name);
      return secret === undefined || !isCertificate(secret) ? [] : [[name, secret]];
    });
    for (const [name, served] of [...this.#served, ...found]) {
      secrets.push(
        'rootsPem' in served ? secretOf(name, 'CA', served.rootsPem) : secretOf(name, 'Cert Chain', served.chainPem),
      );
    }
    return secrets;
  }
}

/** What a person put into a file may be anything. */
function isCertificate(secret: ServedSecret): boolean {
  try {
    return new X509Certificate('rootsPem' in secret ? secret.rootsPem : secret.chainPem).raw.length > 0;
  } catch {
    return false;
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
