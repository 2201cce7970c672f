import { X509Certificate } from 'node:crypto';
import type { CertificatesView, CertificateView, ProxyCertificatesView } from '#contract';
import type { RunningPod } from '#sandbox';
import { podView } from '../views.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const WORKLOAD_SECRET = 'default';
const ROOT_SECRET = 'ROOTCA';

/** The certificates in a PEM text, in order. What cannot be read is left out. */
export function readChain(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      // A Secret may hold anything; istiod refuses it in its own words.
      return [];
    }
  });
}

export function certificateView(certificate: X509Certificate): CertificateView {
  return {
    subject: inOneLine(certificate.subject),
    issuer: inOneLine(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    names: (certificate.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
    key: keyWords(certificate),
    isCa: certificate.ca,
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

const inOneLine = (name: string | undefined): string => (name ?? '').split('\n').join(', ');

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyWords({ publicKey }: X509Certificate): string {
  const { namedCurve = '', modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  const type = (publicKey.asymmetricKeyType ?? '').toUpperCase();
  return type === 'EC' ? `ECDSA ${CURVES[namedCurve] ?? namedCurve}` : [type, modulusLength].join(' ').trim();
}

/** The root of the bundle that signed the last certificate of a chain; undefined when none did. */
export function anchorOf(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): X509Certificate | undefined {
  const last = chain.at(-1);
  if (last === undefined) return undefined;
  return roots.find((root) => root.fingerprint256 === last.fingerprint256 || signed(root, last));
}

const signed = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** Every proxy's certificates with the roots that it trusts. Keys are not among what an admin port tells. */
export function certificatesView(pods: readonly RunningPod[], nowMs: number): CertificatesView {
  const roots = new Map<string, CertificateView>();
  const proxies = pods.flatMap((pod): ProxyCertificatesView[] => {
    if (pod.proxy === undefined) return [];
    const { name, namespace, service, version, role } = podView(pod);
    const secrets = pod.proxy.admin.secrets();
    const bundle = readChain(secrets.find((secret) => secret.name === ROOT_SECRET)?.pem ?? '');
    const own = secrets.find((secret) => secret.name === WORKLOAD_SECRET);
    const chain = readChain(own?.pem ?? '');
    const anchor = anchorOf(chain, bundle);
    for (const root of bundle) roots.set(root.fingerprint256, certificateView(root));
    const shown = anchor === undefined || anchor.fingerprint256 === chain.at(-1)?.fingerprint256 ? [] : [anchor];
    return [
      {
        pod: name,
        namespace,
        service,
        version,
        role: role === 'gateway' ? 'gateway' : 'app',
        spiffeId: own?.spiffeId ?? '',
        chain: [...chain, ...shown].map(certificateView),
        trusts: bundle.map((root) => certificateView(root).sha256),
        rotations: [...pod.proxy.admin.rotations()].reverse().map(({ atMs, serialNumber, notBefore, notAfter }) => ({
          atMs,
          serial: serialNumber,
          notBeforeMs: Date.parse(notBefore),
          notAfterMs: Date.parse(notAfter),
        })),
        served: secrets
          .filter((secret) => secret.name !== WORKLOAD_SECRET && secret.name !== ROOT_SECRET)
          .map((secret) => ({ name: secret.name, chain: readChain(secret.pem).map(certificateView) })),
      },
    ];
  });
  const trustDomain = /^spiffe:\/\/([^/]+)/.exec(proxies.find(({ spiffeId }) => spiffeId !== '')?.spiffeId ?? '')?.[1];
  return { nowMs, trustDomain: trustDomain ?? '', roots: [...roots.values()], proxies };
}
