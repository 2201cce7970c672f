import type { AuthorityMaterial } from '#ca';
import type { KubeObject } from '#domain';
import { MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import { rootNamespace } from './system.ts';

/** Where a CA of istiod's own making keeps its key, and where an operator puts another. */
export const OWN_SECRET = { namespace: rootNamespace, name: 'istio-ca-secret' } as const;
export const PLUGGED_SECRET = { namespace: rootNamespace, name: 'cacerts' } as const;

/** A CA that an operator plugged in, and by which of the two sets of file names. */
export interface PluggedMaterial extends AuthorityMaterial {
  readonly format: 'istiod' | 'kubernetes.io/tls';
}

/**
 * Istio's files, or those of a Secret of the type kubernetes.io/tls, which has no place for a revocation list. Undefined when the Secret has
 * none of them; MeshworkError MW9308 when it has some of them only. Source: detectSigningCABundleAndCRL in istio/pilot/pkg/bootstrap/istio_ca.go.
 */
export function readPlugged(secret: KubeObject | undefined): PluggedMaterial | undefined {
  const file = (key: string): string => pemOf(secret, key);
  const tls = file('tls.crt') !== '';
  const material = tls
    ? {
        caCertPem: file('tls.crt'),
        caKeyPem: file('tls.key'),
        certChainPem: file('tls.crt') + file('ca.crt'),
        rootCertPem: file('ca.crt'),
      }
    : {
        caCertPem: file('ca-cert.pem'),
        caKeyPem: file('ca-key.pem'),
        certChainPem: file('cert-chain.pem'),
        rootCertPem: file('root-cert.pem'),
      };
  const parts = Object.values(material);
  if (parts.every((pem) => pem === '')) return undefined;
  if (parts.some((pem) => pem === ''))
    throw new MeshworkError('MW9308', 'failed to create an istiod CA: incomplete signing CA bundle detected');
  const crlPem = tls ? '' : file('ca-crl.pem');
  return { ...material, format: tls ? 'kubernetes.io/tls' : 'istiod', ...(crlPem !== '' && { crlPem }) };
}

/** What an earlier istiod kept. */
export function readOwn(secret: KubeObject | undefined): AuthorityMaterial | undefined {
  if (secret === undefined) return undefined;
  const [caCertPem, caKeyPem, rootCertPem] = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem'].map((key) =>
    pemOf(secret, key),
  ) as [string, string, string];
  return { caCertPem, caKeyPem, rootCertPem: rootCertPem === '' ? caCertPem : rootCertPem };
}

/** Keeps a CA of istiod's own making for the next start. */
export function keepOwn(store: KubeStore, { caCertPem, caKeyPem, rootCertPem }: AuthorityMaterial): void {
  const files = {
    'ca-cert.pem': caCertPem,
    'ca-key.pem': caKeyPem,
    'cert-chain.pem': caCertPem,
    'root-cert.pem': rootCertPem,
  };
  const data = Object.fromEntries(
    Object.entries(files).map(([name, pem]) => [name, Buffer.from(pem).toString('base64')]),
  );
  const metadata = { ...OWN_SECRET };
  store.create({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'istio.io/ca-root', data }, { changeId: 'system' });
}

const pemOf = (secret: KubeObject | undefined, key: string): string =>
  Buffer.from((secret?.['data'] as Record<string, string> | undefined)?.[key] ?? '', 'base64').toString('utf8');
